CREATE TABLE t (
  k INT NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT i * 1000 - 500000, i, CONCAT('row ', i) FROM n;
INSERT INTO t (k, v, c) VALUES (-2147483648, 1, 'least'), (2147483647, 2, 'greatest');
