UPDATE t SET a = '{1-99}', b = '2024-05-{10-28}', c = -{1-99} WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
