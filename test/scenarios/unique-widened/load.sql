UPDATE t SET w = CONCAT('new ', {n}) WHERE id = {1-300}

DELETE FROM t WHERE id = {1-300}
