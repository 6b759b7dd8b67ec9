-- MySQL
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'Zoë''s' AND (`name` > _utf8mb4'Zoë''s' OR (`name` = _utf8mb4'Zoë''s' AND `id` > 7)))
 ORDER BY `name`, `id`
   FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- MariaDB
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'Zoë''s' AND (`name` > _utf8mb4'Zoë''s' OR (`name` = _utf8mb4'Zoë''s' AND `id` > 7)))
 ORDER BY `name`, `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- before it
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'Zoë''s' AND (`name` > _utf8mb4'Zoë''s' OR (`name` = _utf8mb4'Zoë''s' AND `id` > 7)))
   LOCK IN SHARE MODE NOWAIT;
-- the 1000th row behind
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 ORDER BY `name`, `id`
 LIMIT 1 OFFSET 999;
