-- MySQL
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 1000
 ORDER BY `id`
   FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- MariaDB
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 1000
 ORDER BY `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- before it
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 1000
   LOCK IN SHARE MODE NOWAIT;
-- the 1000th row behind
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` > 1000
 ORDER BY `id`
 LIMIT 1 OFFSET 999;
