UPDATE t SET b = {0-255}, c = {0-99999} * 65537, d = ~{0-99999} WHERE id = {1-60}

UPDATE t SET d = {0-9999}, a = {0-1} WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
