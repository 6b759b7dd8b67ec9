SELECT @@global.max_allowed_packet = 1048576;
