UPDATE t SET a = {1-300}, b = (1 << {0-63}) | 1 WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
