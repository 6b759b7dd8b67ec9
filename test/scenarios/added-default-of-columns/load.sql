UPDATE t SET a = a + 1 WHERE id = {1-600}

UPDATE t SET b = CONCAT('new ', {1-99}) WHERE id BETWEEN {1-600} AND {1-600}

INSERT INTO t (a, b) VALUES ({1-50}, 'inserted')

DELETE FROM t WHERE id = {1-600}
