UPDATE t SET a = a + 1 WHERE id = 0

UPDATE t SET a = a + 1 WHERE id = {1-600}

DELETE FROM t WHERE id = {1-600}
