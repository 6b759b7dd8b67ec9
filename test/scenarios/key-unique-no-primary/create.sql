CREATE TABLE t (
  k INT NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  UNIQUE KEY k (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT i * 3, i, CONCAT('row ', i) FROM n;
