CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  a INT NOT NULL,
  b VARCHAR(60),
  v INT AS (a * 2) VIRTUAL,
  s VARCHAR(80) AS (CONCAT(b, '/', a)) STORED,
  c INT,
  KEY v (v), UNIQUE KEY s (s, id), UNIQUE KEY iv (v, id)
) ENGINE = InnoDB;
INSERT INTO t (a, b, c) SELECT i % 50, CONCAT('b ', i), i FROM n WHERE i <= 600;
