BEGIN; UPDATE t SET a = a + 1 WHERE id = {1-600}; UPDATE journal SET n = n + 1; COMMIT

BEGIN; SELECT COUNT(*) FROM journal INTO @n; UPDATE t SET a = a + 1 WHERE id = {1-600}; COMMIT

DELETE FROM t WHERE id = {1-600}
