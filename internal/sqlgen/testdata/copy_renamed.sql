-- MySQL
INSERT INTO `shop`.`orders__new`
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id`
   FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- MariaDB
INSERT INTO `shop`.`orders__new`
       (`number`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
 ORDER BY `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `number` = `shop`.`orders__new`.`number`;
-- before it
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1
   AND `id` <= 2
   LOCK IN SHARE MODE NOWAIT;
-- the 1000th row behind
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 2
 ORDER BY `id`
 LIMIT 1 OFFSET 999;
