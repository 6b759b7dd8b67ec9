CREATE TABLE t (
  k CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT('key ', i, REPEAT('é', i % 3)), i, CONCAT('row ', i) FROM n;
