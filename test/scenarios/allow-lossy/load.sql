UPDATE t SET a = {0-99999}, c = {0-99999}.{1-9999}, e = {1-99999} / 7 WHERE id = {1-60}

UPDATE t SET b = CONCAT('more than ten ', {0-99}), d = NOW(6), f = ELT({1-3}, 'a', 'c', '1') WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
