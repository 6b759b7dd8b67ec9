CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  j JSON,
  k JSON NOT NULL
) ENGINE = InnoDB;
INSERT INTO t (j, k) VALUES ('{"a" :  1, "a": 2}', '0.50'), (NULL, '"é"'), ('[1.0, 1e100]', '{}');
INSERT INTO t (j,k) SELECT x.j, x.k FROM t x, n WHERE n.i <= 12;
