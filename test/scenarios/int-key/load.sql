UPDATE t SET k = k + 1 WHERE id = {1-1000}

INSERT INTO t (k, c) VALUES ({1-1000}, 'new'), ({1-1000}, 'new too')

DELETE FROM t WHERE id = {1-1000}

UPDATE t SET id = id + 500000 WHERE id = {1-1000}

BEGIN;
DELETE FROM t WHERE id = {1-1000};
UPDATE t SET c = 'changed' WHERE id BETWEEN {1-500} AND {1-1000};
COMMIT
