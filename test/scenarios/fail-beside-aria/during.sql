BEGIN; UPDATE t SET a = a + 1 WHERE id = 7; UPDATE journal SET n = n + 1; COMMIT
