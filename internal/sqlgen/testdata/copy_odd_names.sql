-- MySQL
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
 ORDER BY `id`
   FOR SHARE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3;
-- what is left
SELECT `id`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx```.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
 ORDER BY `id` DESC
 LIMIT 1
   FOR SHARE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 3
 ORDER BY `id`
   FOR SHARE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- MariaDB
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
 ORDER BY `id`
   LOCK IN SHARE MODE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3;
-- what is left
SELECT `id`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx```.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 3
 ORDER BY `id` DESC
 LIMIT 1
   LOCK IN SHARE MODE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 3
 ORDER BY `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- the 1000th row behind
SELECT `id`
  FROM `a``b`.`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx``` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 3
 ORDER BY `id`
 LIMIT 1 OFFSET 999;
