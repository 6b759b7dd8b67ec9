-- scratch
CREATE TEMPORARY TABLE `shop`.`orders__verify`
       (PRIMARY KEY (`id`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders__new`
 WHERE FALSE;
-- fill
DELETE FROM `shop`.`orders__verify`;
-- fill
INSERT INTO `shop`.`orders__verify`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 9;
-- count
SELECT COUNT(*),
       COALESCE(SUM((SELECT (`shop`.`orders__verify`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders__verify`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders__verify`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders__verify`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders__verify`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders__verify`.`id`)), 0),
       (SELECT COUNT(*)
          FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 9)
  FROM `shop`.`orders__verify`;
-- which differ
SELECT `id`
  FROM `shop`.`orders__verify`
 WHERE COALESCE((SELECT (`shop`.`orders__verify`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders__verify`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders__verify`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders__verify`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders__verify`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders__verify`.`id`), FALSE) = FALSE
 LIMIT 999;
-- which are too many
SELECT `id`
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE `id` <= 9
   AND (SELECT 1
           FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders`.`id` = `shop`.`orders__new`.`id`) IS NULL
 LIMIT 999;
-- fill for some
DELETE FROM `shop`.`orders__verify`;
-- fill for some
INSERT INTO `shop`.`orders__verify`
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, CONVERT_TZ(`at`, '+00:00', 'Europe/Berlin')
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7);
-- which of them differ
SELECT `id`
  FROM `shop`.`orders__verify`
 WHERE `id` IN (-3, 7)
   AND COALESCE((SELECT (`shop`.`orders__verify`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders__verify`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders__verify`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders__verify`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders__verify`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders__verify`.`id`), FALSE) = FALSE
 LIMIT 2;
-- which of them are too many
SELECT `id`
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7)
   AND (SELECT 1
           FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders`.`id` = `shop`.`orders__new`.`id`) IS NULL
 LIMIT 2;
-- in which columns
SELECT (SELECT CONCAT((`shop`.`orders__verify`.`id` <=> `shop`.`orders__new`.`id`),
                       (`shop`.`orders__verify`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders__verify`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`)),
                       (CAST(`shop`.`orders__verify`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED)),
                       (`shop`.`orders__verify`.`at` <=> `shop`.`orders__new`.`at`))
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`id` = `shop`.`orders__verify`.`id`)
  FROM `shop`.`orders__verify`
 WHERE `id` = -3;
-- as it should be
SELECT CAST(`id` AS CHAR),
       CONCAT('''', CONVERT(`name` USING utf8mb4), ''' (0x', HEX(`name`), ')'),
       CONCAT('''', `kind`, ''' (number ', CAST(`kind` AS UNSIGNED), ')'),
       CAST(`at` AS CHAR)
  FROM `shop`.`orders__verify`
 WHERE `id` = -3;
-- as it is
SELECT CAST(`id` AS CHAR),
       CONCAT('''', CONVERT(`name` USING utf8mb4), ''' (0x', HEX(`name`), ')'),
       CONCAT('''', `kind`, ''' (number ', CAST(`kind` AS UNSIGNED), ')'),
       CAST(`at` AS CHAR)
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE `id` = -3;
