UPDATE t SET a = STRING_TO_VECTOR('[{1-9}, {1-9}.5, -0.1]') WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
