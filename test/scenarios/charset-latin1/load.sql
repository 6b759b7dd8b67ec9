UPDATE t SET a = CONCAT('é', {1-99}), b = 'ß\\', c = 'ÄÖÜ' WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
