-- write
INSERT INTO `shop`.`orders__new` /* midstream */
       (`id`, `name`, `kind`, `at`)
SELECT `id`, `name`, `kind`, `at`
  FROM `shop`.`orders` FORCE INDEX (`PRIMARY`)
 WHERE `id` IN (-3, 7)
    ON DUPLICATE KEY UPDATE `shop`.`orders__new`.`id` = `shop`.`orders`.`id`,
                            `shop`.`orders__new`.`name` = `shop`.`orders`.`name`,
                            `shop`.`orders__new`.`kind` = `shop`.`orders`.`kind`,
                            `shop`.`orders__new`.`at` = `shop`.`orders`.`at`;
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
