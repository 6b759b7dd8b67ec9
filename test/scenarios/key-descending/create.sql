CREATE TABLE t (
  a INT NOT NULL, b INT NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (a DESC, b),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (a,b, v, c) SELECT i % 20, i, i, CONCAT('row ', i) FROM n;
