CREATE TABLE t (
  k VARCHAR(40) CHARACTER SET latin1 NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT(ELT(1 + i % 5, 'a', 'É', 'ß', 'ÿ', '€'), i), i, CONCAT('row ', i) FROM n;
