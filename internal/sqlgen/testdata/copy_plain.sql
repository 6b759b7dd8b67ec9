-- MySQL
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
 ORDER BY `id`
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5;
-- what is left
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
 ORDER BY `id` DESC
 LIMIT 1;
-- MariaDB
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
 ORDER BY `id`
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5;
-- what is left
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > -5
 ORDER BY `id` DESC
 LIMIT 1;
-- the 1000th row behind
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 ORDER BY `id`
 LIMIT 1 OFFSET 999;
