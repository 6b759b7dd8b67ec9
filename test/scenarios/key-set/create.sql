CREATE TABLE t (
  e SET('a', 'b', 'c', 'd') NOT NULL, b INT NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (e,b),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (e,b, v, c) SELECT i % 16, i, i, CONCAT('row ', i) FROM n;
