UPDATE t SET c = CONCAT('changed ', {1-99}) WHERE v = {1-1000}

DELETE FROM t WHERE v = {1-1000}

INSERT INTO t (a,b,d, v, c) VALUES ({n} % 10, CONCAT('b', {n} % 7), '2024-01-01' + INTERVAL {n} DAY, {1-1000}, 'new')

UPDATE t SET a = {n} % 10, b = CONCAT('b', {n} % 7), d = '2024-01-01' + INTERVAL {n} DAY WHERE v = {1-1000} ORDER BY a,b,d LIMIT 1

BEGIN;
UPDATE t SET c = 'changed in passing', v = v + 1 WHERE v BETWEEN {1-500} AND {501-520};
DELETE FROM t WHERE v = {1-1000};
COMMIT
