UPDATE t SET a = a + 1

UPDATE t SET id = {1-50}
