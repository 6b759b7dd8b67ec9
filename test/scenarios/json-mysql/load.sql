UPDATE t SET j = JSON_SET(COALESCE(j, '{}'), '$.x', {1-9}.50, '$.y', CURRENT_TIME(6)) WHERE id = {1-60}

UPDATE t SET j = JSON_OBJECT('d', RAND(), 'n', NULL, 'big', REPEAT('é', {1-3000}), 'deep', JSON_ARRAY(k, k)), k = JSON_ARRAY(1.0, {1-9}e0, '{1-9}', TRUE) WHERE id = {1-60}

UPDATE t SET k = JSON_REMOVE(JSON_SET(k, '$[1]', 2), '$[0]') WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
