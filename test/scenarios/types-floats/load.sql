UPDATE t SET a = RAND() * 1e10, b = RAND() * 1e-300, c = RAND(), d = RAND() * 1e6 WHERE id = {1-60}

UPDATE t SET b = 1.7976931348623157e308, a = -3.40282e38 WHERE id = {1-60}

UPDATE t SET b = RAND() / 3e0, a = 1e0 / {1-999} WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
