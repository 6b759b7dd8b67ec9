UPDATE t SET b = b + 1;
UPDATE t SET a = 300 WHERE id = 17;
