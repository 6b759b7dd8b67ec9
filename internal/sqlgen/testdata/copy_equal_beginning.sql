-- MySQL
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'a'
   AND `id` > 7
   AND `id` <= 900
 ORDER BY `name`, `id`
   FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- MariaDB
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'a'
   AND `id` > 7
   AND `id` <= 900
 ORDER BY `name`, `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- before it
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'a'
   AND `id` > 7
   AND `id` <= 900
   LOCK IN SHARE MODE NOWAIT;
-- the 1000th row behind
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 900)))
 ORDER BY `name`, `id`
 LIMIT 1 OFFSET 999;
