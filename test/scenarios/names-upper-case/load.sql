UPDATE `T É` SET a = a + 1, b = CONCAT('new ', {1-99}), c = {1-99999} WHERE id = {1-600}

INSERT INTO `T É` (a, b, c) VALUES ({1-50}, 'inserted', NULL), ({1-50}, NULL, {1-99})

DELETE FROM `T É` WHERE id = {1-600}

UPDATE `T É` SET id = id + 10000 WHERE id = {1-600}
