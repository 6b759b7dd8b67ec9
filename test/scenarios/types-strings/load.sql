UPDATE t SET a = 'ä🙂', b = CONCAT('\\', CHAR({0-127} USING utf8mb4), ''''), c = REPEAT('x', {0-200}), g = 'naïve €' WHERE id = {1-60}

UPDATE t SET b = CONCAT('trail', REPEAT(' ', {0-9})), d = NULL, h = '𝄞é', f = REPEAT('long ', {0-2000}) WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
