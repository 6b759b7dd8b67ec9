UPDATE t SET v = v + 1 WHERE id = {1-46}

UPDATE t SET a = REPEAT(X'2700', 450000) WHERE id = {1-46}

UPDATE t SET a = 'small again' WHERE id = {1-46}

DELETE FROM t WHERE id = {10-46}
