RENAME TABLE t TO elsewhere;
