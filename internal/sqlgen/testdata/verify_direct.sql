-- count
SELECT COUNT(*),
       COALESCE(SUM((SELECT (`shop`.`orders`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`)), 0),
       (SELECT COUNT(*)
          FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4'b' AND (`name` < _utf8mb4'b' OR (`name` = _utf8mb4'b' AND `id` <= -9))))
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4'b' AND (`name` < _utf8mb4'b' OR (`name` = _utf8mb4'b' AND `id` <= -9)));
-- which differ
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4'b' AND (`name` < _utf8mb4'b' OR (`name` = _utf8mb4'b' AND `id` <= -9)))
   AND COALESCE((SELECT (`shop`.`orders`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`), FALSE) = FALSE
 LIMIT 999;
-- which are too many
SELECT HEX(`name`), `id`
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE (`name` >= _utf8mb4'a' AND (`name` > _utf8mb4'a' OR (`name` = _utf8mb4'a' AND `id` > 7)))
   AND (`name` <= _utf8mb4'b' AND (`name` < _utf8mb4'b' OR (`name` = _utf8mb4'b' AND `id` <= -9)))
   AND (SELECT 1
           FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders`.`name` = `shop`.`orders__new`.`name`
            AND `shop`.`orders`.`id` = `shop`.`orders__new`.`id`) IS NULL
 LIMIT 999;
-- which of them differ
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE ((`name` = _utf8mb4'Zoë''s' AND `id` = 7)
    OR (`name` = _utf8mb4'b' AND `id` = -9))
   AND COALESCE((SELECT (`shop`.`orders`.`id` <=> `shop`.`orders__new`.`id`)
                AND (`shop`.`orders`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`))
                AND (CAST(`shop`.`orders`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED))
                AND (`shop`.`orders`.`at` <=> `shop`.`orders__new`.`at`)
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`), FALSE) = FALSE
 LIMIT 2;
-- which of them are too many
SELECT HEX(`name`), `id`
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE ((`name` = _utf8mb4'Zoë''s' AND `id` = 7)
    OR (`name` = _utf8mb4'b' AND `id` = -9))
   AND (SELECT 1
           FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders`.`name` = `shop`.`orders__new`.`name`
            AND `shop`.`orders`.`id` = `shop`.`orders__new`.`id`) IS NULL
 LIMIT 2;
-- in which columns
SELECT (SELECT CONCAT((`shop`.`orders`.`id` <=> `shop`.`orders__new`.`id`),
                       (`shop`.`orders`.`name` COLLATE utf8mb4_bin <=> `shop`.`orders__new`.`name` COLLATE utf8mb4_bin AND LENGTH(`shop`.`orders`.`name`) <=> LENGTH(`shop`.`orders__new`.`name`)),
                       (CAST(`shop`.`orders`.`kind` AS UNSIGNED) <=> CAST(`shop`.`orders__new`.`kind` AS UNSIGNED)),
                       (`shop`.`orders`.`at` <=> `shop`.`orders__new`.`at`))
           FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
          WHERE `shop`.`orders__new`.`name` = `shop`.`orders`.`name`
            AND `shop`.`orders__new`.`id` = `shop`.`orders`.`id`)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'Zoë''s' AND `id` = 7;
-- as it should be
SELECT CAST(`id` AS CHAR),
       CONCAT('''', CONVERT(`name` USING utf8mb4), ''' (0x', HEX(`name`), ')'),
       CONCAT('''', `kind`, ''' (number ', CAST(`kind` AS UNSIGNED), ')'),
       CAST(`at` AS CHAR)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'Zoë''s' AND `id` = 7;
-- as it is
SELECT CAST(`id` AS CHAR),
       CONCAT('''', CONVERT(`name` USING utf8mb4), ''' (0x', HEX(`name`), ')'),
       CONCAT('''', `kind`, ''' (number ', CAST(`kind` AS UNSIGNED), ')'),
       CAST(`at` AS CHAR)
  FROM `shop`.`orders__new` FORCE INDEX (`PRIMARY`)
 WHERE `name` = _utf8mb4'Zoë''s' AND `id` = 7;
