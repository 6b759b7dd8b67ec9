UPDATE t SET a = a + 1, b = REPEAT('x', {1-60})

UPDATE t SET id = -id

UPDATE t SET c = {1-99} WHERE id = {1-600}
