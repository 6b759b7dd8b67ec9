UPDATE `таблица 表 ëü` SET a = a + 1, b = CONCAT('new ', {1-99}), c = {1-99999} WHERE id = {1-600}

INSERT INTO `таблица 表 ëü` (a, b, c) VALUES ({1-50}, 'inserted', NULL), ({1-50}, NULL, {1-99})

DELETE FROM `таблица 表 ëü` WHERE id = {1-600}

UPDATE `таблица 表 ëü` SET id = id + 10000 WHERE id = {1-600}
