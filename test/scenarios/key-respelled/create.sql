CREATE TABLE t (
  k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT(ELT(1 + i % 3, 'a', 'É', 'zz'), i), i, CONCAT('row ', i) FROM n;
