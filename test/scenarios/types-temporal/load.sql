UPDATE t SET a = a + INTERVAL 1 DAY, c = c + INTERVAL {1-999999} MICROSECOND, e = e + INTERVAL 1 MICROSECOND, g = -g WHERE id = {1-60} AND a < '9999-12-30'

UPDATE t SET b = NOW(), c = NOW(6), d = NOW(), e = NOW(6), f = CURTIME(), g = CURTIME(6) WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
