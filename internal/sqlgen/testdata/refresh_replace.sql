-- write
REPLACE INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE ((`name` = _utf8mb4'Zoë''s' AND `id` = 7)
    OR (`name` = _utf8mb4 x'6200' AND `id` = -9));
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE ((`name` = _utf8mb4'Zoë''s' AND `id` = 7)
    OR (`name` = _utf8mb4 x'6200' AND `id` = -9));
-- which
SELECT HEX(`name`), `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE ((`name` = _utf8mb4'Zoë''s' AND `id` = 7)
    OR (`name` = _utf8mb4 x'6200' AND `id` = -9));
-- delete
DELETE FROM `shop`.`orders__new` /* midstream */ WHERE (`name`, `id`) IN (
(_utf8mb4'Zoë''s', 7),
(_utf8mb4 x'6200', -9));
