-- MySQL
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
 ORDER BY `name`, `id`
   FOR SHARE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)));
-- what is left
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
 ORDER BY `name` DESC, `id` DESC
 LIMIT 1
   FOR SHARE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4 x'6200' AND `id` = -9
 ORDER BY `name`, `id`
   FOR SHARE
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- MariaDB
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
 ORDER BY `name`, `id`
   LOCK IN SHARE MODE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)));
-- what is left
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`) IS NULL
 LIMIT 1000;
-- the end
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4 x'6200' AND (`name` < _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` <= -9)))
 ORDER BY `name` DESC, `id` DESC
 LIMIT 1
   LOCK IN SHARE MODE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4 x'6200' AND `id` = -9
 ORDER BY `name`, `id`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `name` = `shop`.`orders__new`.`name`;
-- the 1000th row behind
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4 x'6200' AND (`name` > _utf8mb4 x'6200' OR (`name` = _utf8mb4 x'6200' AND `id` > -9)))
 ORDER BY `name`, `id`
 LIMIT 1 OFFSET 999;
