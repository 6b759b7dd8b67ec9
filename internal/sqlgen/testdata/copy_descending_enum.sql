-- MySQL
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id` DESC, `kind`
   FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- MariaDB
INSERT INTO `shop`.`orders__new`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id` DESC, `kind`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- before it
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
   LOCK IN SHARE MODE NOWAIT;
-- the 1000th row behind
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 3 AND (`id` < 3 OR (`id` = 3 AND `kind` IN (2, 3))))
 ORDER BY `id` DESC, `kind`
 LIMIT 1 OFFSET 999;
