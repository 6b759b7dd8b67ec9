UPDATE t SET b = 'new' WHERE a = {1-600}

INSERT INTO t (a, b) VALUES ({1-600}, 'inserted')

DELETE FROM t WHERE a = {1-600}
