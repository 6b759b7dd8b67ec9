CREATE TABLE t (
  k VARBINARY(20) NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT UNHEX(CONCAT(LPAD(HEX(i), 8, '0'), REPEAT('00', i % 3))), i, CONCAT('row ', i) FROM n;
INSERT INTO t (k, v, c) VALUES ('', 1, 'empty'), (X'00', 2, 'a zero'), (X'0000', 3, 'two zeros');
