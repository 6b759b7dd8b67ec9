UPDATE `a ``quoted`` name, with "quotes" and 'these'` SET a = a + 1, b = CONCAT('new ', {1-99}), c = {1-99999} WHERE id = {1-600}

INSERT INTO `a ``quoted`` name, with "quotes" and 'these'` (a, b, c) VALUES ({1-50}, 'inserted', NULL), ({1-50}, NULL, {1-99})

DELETE FROM `a ``quoted`` name, with "quotes" and 'these'` WHERE id = {1-600}

UPDATE `a ``quoted`` name, with "quotes" and 'these'` SET id = id + 10000 WHERE id = {1-600}
