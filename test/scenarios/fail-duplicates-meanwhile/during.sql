UPDATE t SET b = 'value 17' WHERE id = 201;
