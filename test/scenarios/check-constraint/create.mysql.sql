CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  a INT NOT NULL,
  b VARCHAR(60),
  c INT,
  KEY a (a), CHECK (a >= 0), CHECK (a < 4000000), CHECK (b <> 'a\\b\'c\n"'), CHECK (c >= 0), CHECK (c < 5000000), CHECK (a > -6), CHECK (a > -7), CHECK (a > -8),
  CHECK (a > -9), CHECK (a > -10), CHECK (a > -11), CHECK (c > -12) NOT ENFORCED
) ENGINE = InnoDB;
ALTER TABLE t DROP CHECK t_chk_5, DROP CHECK t_chk_9;
INSERT INTO t (a, b, c) SELECT i % 50, CONCAT('b ', i), IF(i % 3, i, NULL) FROM n WHERE i <= 600;
