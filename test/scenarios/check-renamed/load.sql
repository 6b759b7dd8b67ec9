UPDATE t SET a = a + 1, b = {1-99} WHERE id = {1-300}

INSERT INTO t (a, b, c) VALUES ({1-50}, NULL, {1-99})

DELETE FROM t WHERE id = {1-300}
