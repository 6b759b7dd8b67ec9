CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a VARCHAR(60) CHARACTER SET utf8mb3,
  b TEXT CHARACTER SET utf8mb3,
  e ENUM('é', 'x') CHARACTER SET utf8mb3
) ENGINE = InnoDB;
INSERT INTO t (a,b,e) VALUES ('日本語', REPEAT('é', 100), 'é'), ('\\''"', '', 'x'), (NULL, NULL, NULL);
INSERT INTO t (a,b,e) SELECT x.a, x.b, x.e FROM t x, n WHERE n.i <= 12;
