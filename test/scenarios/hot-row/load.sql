UPDATE t SET a = a + 1 WHERE id = 7

DELETE FROM t WHERE id = 7

INSERT INTO t (id, a) VALUES (7, {1-99})
