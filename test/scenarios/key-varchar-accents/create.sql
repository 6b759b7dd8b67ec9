CREATE TABLE t (
  k VARCHAR(40) CHARACTER SET utf8mb4 /*!80000 COLLATE utf8mb4_0900_ai_ci *//*M! COLLATE utf8mb4_uca1400_ai_ci */ NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT(ELT(1 + i % 6, 'a', 'É', 'ß', '日', '😀', 'Zz'), i), i, CONCAT('row ', i) FROM n;
