-- MySQL
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id` DESC, `kind`
   FOR SHARE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))));
-- what is left
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders`.`id`
            AND `shop`.`orders__new`.`kind` = `shop`.`orders`.`kind`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id`, `kind` DESC
 LIMIT 1
   FOR SHARE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 3 AND `kind` = 1
 ORDER BY `id` DESC, `kind`
   FOR SHARE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- MariaDB
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id` DESC, `kind`
   LOCK IN SHARE MODE SKIP LOCKED
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))));
-- what is left
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
   AND (SELECT 1
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders`.`id`
            AND `shop`.`orders__new`.`kind` = `shop`.`orders`.`kind`) IS NULL
 LIMIT 1000;
-- the end
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 9 AND (`id` < 9 OR (`id` = 9 AND `kind` IN (3))))
   AND (`id` >= 3 AND (`id` > 3 OR (`id` = 3 AND `kind` IN (0, 1))))
 ORDER BY `id`, `kind` DESC
 LIMIT 1
   LOCK IN SHARE MODE;
-- one row
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` = 3 AND `kind` = 1
 ORDER BY `id` DESC, `kind`
   LOCK IN SHARE MODE
    ON DUPLICATE KEY UPDATE `id` = `shop`.`orders__new`.`id`;
-- the 1000th row behind
SELECT `id`, CAST(`kind` AS UNSIGNED)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`id` <= 3 AND (`id` < 3 OR (`id` = 3 AND `kind` IN (2, 3))))
 ORDER BY `id` DESC, `kind`
 LIMIT 1 OFFSET 999;
