UPDATE t SET c = CONCAT('changed ', {1-99}) WHERE v = {1-1000}

DELETE FROM t WHERE v = {1-1000}

INSERT INTO t (k, v, c) VALUES (CONCAT('2001:0:db8:', HEX({n} DIV 65536), ':1:', HEX({n} % 65536), ':0:7'), {1-1000}, 'new')

UPDATE t SET k = CONCAT('2001:0:db8:', HEX({n} DIV 65536), ':1:', HEX({n} % 65536), ':0:7') WHERE v = {1-1000} ORDER BY k LIMIT 1

BEGIN;
UPDATE t SET c = 'changed in passing', v = v + 1 WHERE v BETWEEN {1-500} AND {501-520};
DELETE FROM t WHERE v = {1-1000};
COMMIT
