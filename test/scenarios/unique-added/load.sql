UPDATE t SET b = CONCAT('value ', {n}) WHERE id = {1-600}

INSERT INTO t (a, b) VALUES ({1-50}, CONCAT('value ', {n}))

BEGIN;
SELECT b INTO @b FROM t WHERE id = {1-600} FOR UPDATE;
UPDATE t SET b = NULL WHERE b = @b;
INSERT INTO t (a, b) VALUES ({1-50}, @b);
COMMIT

DELETE FROM t WHERE id = {1-600}
