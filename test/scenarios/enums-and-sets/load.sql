UPDATE t SET a = ELT({1-4}, 'one', 'two', 'it''s', 'é'), b = {0-7}, c = {1-3} WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
