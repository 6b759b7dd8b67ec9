CREATE TABLE t (
  e ENUM('z', 'a', 'm') NOT NULL, b INT NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (e,b),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (e,b, v, c) SELECT 1 + i % 3, i, i, CONCAT('row ', i) FROM n;
