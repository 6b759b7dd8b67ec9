SELECT @@global.time_zone = 'Europe/Berlin';
SELECT COUNT(*) = 1 FROM t WHERE id > 60 AND a = '2024-12-31'
