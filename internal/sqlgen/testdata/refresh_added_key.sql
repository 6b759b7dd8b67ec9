-- write
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7);
-- how many
SELECT COUNT(*)
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7);
-- which
SELECT `id`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7);
-- delete
DELETE FROM `shop`.`orders__new` /* midstream */ WHERE `id` IN (
-3,
7);
