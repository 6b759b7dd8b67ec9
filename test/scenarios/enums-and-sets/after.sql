SELECT COUNT(*) > 0 FROM t WHERE a = 'é';
