CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a ENUM('one', 'two', 'it''s', 'é') NOT NULL,
  b SET('x', 'y', 'z'),
  c ENUM('a', 'b', 'c')
) ENGINE = InnoDB;
INSERT INTO t (a,b,c) VALUES ('one', '', 'a'), ('it''s', 'x,z', 'c'), ('é', 'x,y,z', NULL), ('two', NULL, 'b');
INSERT INTO t (a,b,c) SELECT x.a, x.b, x.c FROM t x, n WHERE n.i <= 12;
