-- MySQL
INSERT INTO `shop`.`orders__new` /* midstream */
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id`
   FOR SHARE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2;
-- what is left
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`number` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id` DESC
 LIMIT 1
   FOR SHARE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 2
 ORDER BY `id`
   FOR SHARE
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- MariaDB
INSERT INTO `shop`.`orders__new` /* midstream */
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id`
   LOCK IN SHARE MODE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2;
-- what is left
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`number` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id` DESC
 LIMIT 1
   LOCK IN SHARE MODE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 2
 ORDER BY `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- the 1000th row behind
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 2
 ORDER BY `id`
 LIMIT 1 OFFSET 999;
