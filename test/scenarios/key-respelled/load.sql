UPDATE t SET k = IF(BINARY k = BINARY UPPER(k), LOWER(k), UPPER(k)) WHERE v = {1-1000}

UPDATE t SET k = CONCAT(ELT({1-4}, 'a', 'A', 'ä', 'Ä'), v), c = 'respelled' WHERE v = {1-1000}

DELETE FROM t WHERE v = {1-1000}

INSERT INTO t (k, v, c) VALUES (CONCAT(ELT({1-4}, 'e', 'E', 'é', 'É'), {1-1000}), {1-1000}, 'new')

REPLACE INTO t (k, v, c) VALUES (CONCAT(ELT({1-4}, 'zz', 'zZ', 'Zz', 'ZZ'), {1-1000}), {1-1000}, 'replaced')

BEGIN;
SET @v = {1-1000};
SELECT MAX(k) INTO @k FROM t WHERE v = @v FOR UPDATE;
DELETE FROM t WHERE k = @k;
INSERT INTO t (k, v, c) SELECT UPPER(@k), @v, 'came back' FROM DUAL WHERE @k IS NOT NULL;
COMMIT
