UPDATE t SET c = CONCAT('changed ', {1-99}) WHERE v = {1-1000}

DELETE FROM t WHERE v = {1-1000}

INSERT INTO t (e,b, v, c) VALUES (1 + {n} % 3, {n}, {1-1000}, 'new')

UPDATE t SET e = 1 + {n} % 3, b = {n} WHERE v = {1-1000} ORDER BY e,b LIMIT 1

BEGIN;
UPDATE t SET c = 'changed in passing', v = v + 1 WHERE v BETWEEN {1-500} AND {501-520};
DELETE FROM t WHERE v = {1-1000};
COMMIT
