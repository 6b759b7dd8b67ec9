UPDATE t SET b = 'too long for it' WHERE id = 201;
