UPDATE t SET j = JSON_OBJECT('x', {1-9}, 'y', '''"\\é'), k = '[ {1-9}.0 ]' WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
