CREATE TABLE t (
  k BIT(64) NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT ~0 - i * 3, i, CONCAT('row ', i) FROM n;
INSERT INTO t (k, v, c) VALUES (0, 1, 'none'), (~0, 2, 'all'), (b'1', 3, 'one');
