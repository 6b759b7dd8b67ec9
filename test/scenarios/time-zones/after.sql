SELECT @@global.time_zone = 'Europe/Berlin';
SELECT b = '2024-06-01 12:00:00' OR 1 FROM t LIMIT 1;
