CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a CHAR(10),
  b VARCHAR(200),
  c TINYTEXT,
  d TEXT,
  e MEDIUMTEXT,
  f LONGTEXT,
  g VARCHAR(50) CHARACTER SET latin1,
  h TEXT CHARACTER SET utf16,
  i CHAR(5) CHARACTER SET ascii
) ENGINE = InnoDB;
INSERT INTO t (a,b,c,d,e,f,g,h,i) VALUES ('', '', '', '', '', '', '', '', ''), ('trail  ', 'trail  ', 'trail  ', 'trail  ', 'x ', 'y ', 'é ', 'z ', 'a '), ('日本語🙂', '\\ '' \" % _ \n\r\t', CHAR(0 USING utf8mb4), REPEAT('é', 3000), REPEAT('🙂', 5000), 'long', 'ÿ€', '𝄞', 'b'), (NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO t (a,b,c,d,e,f,g,h,i) SELECT x.a, x.b, x.c, x.d, x.e, x.f, x.g, x.h, x.i FROM t x, n WHERE n.i <= 12;
