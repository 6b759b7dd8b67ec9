UPDATE t SET a = CONCAT('日本 and more ', {0-99}) WHERE id = {1-999}

UPDATE t SET v = v + 1 WHERE id = {1-999}

DELETE FROM t WHERE id = {500-999}
