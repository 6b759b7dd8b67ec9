UPDATE t SET a = CONCAT('乗', {1-99}, ''''), b = '誠\\' WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
