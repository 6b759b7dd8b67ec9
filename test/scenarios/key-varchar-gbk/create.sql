CREATE TABLE t (
  k VARCHAR(40) CHARACTER SET gbk NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT(ELT(1 + i % 4, '中', '乗', '誠', 'a'), i), i, CONCAT('row ', i) FROM n;
