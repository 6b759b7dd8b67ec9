SELECT @@global.time_zone = 'Europe/Berlin';
