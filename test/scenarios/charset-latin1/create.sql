CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a VARCHAR(60) CHARACTER SET latin1,
  b TEXT CHARACTER SET latin1,
  c CHAR(10) CHARACTER SET latin1 NOT NULL
) ENGINE = InnoDB;
INSERT INTO t (a,b,c) VALUES ('naïve €', REPEAT('ÿ', 100), 'é '), ('\\''"', '', ''), (NULL, NULL, 'x');
INSERT INTO t (a,b,c) SELECT x.a, x.b, x.c FROM t x, n WHERE n.i <= 12;
