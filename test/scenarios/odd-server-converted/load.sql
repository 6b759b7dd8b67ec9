UPDATE t SET a = a + 1, b = CONCAT('new ', {1-99}) WHERE name = 'name {1-600}'

DELETE FROM t WHERE name = 'name {1-600}'
