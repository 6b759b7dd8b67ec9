CREATE TABLE t (
  k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT(IF(i % 2, 'x', 'X'), i DIV 2, '''"\\%_'), i, CONCAT('row ', i) FROM n;
