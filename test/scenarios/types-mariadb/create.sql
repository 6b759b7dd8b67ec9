CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a UUID,
  b INET6,
  c INET4,
  d VARCHAR(300) COMPRESSED,
  e BLOB COMPRESSED
) ENGINE = InnoDB;
INSERT INTO t (a,b,c,d,e) VALUES ('123e4567-e89b-12d3-a456-426614174000', '2001:db8::', '10.0.0.0', REPEAT('é', 200), REPEAT(X'00', 300)), ('00000000-0000-0000-0000-000000000000', '::', '0.0.0.0', '', ''), (NULL,NULL,NULL,NULL,NULL), ('ffffffff-ffff-ffff-ffff-ffffffffff00', '::ffff:1.2.3.0', '255.255.255.0', 'x ', X'0100');
INSERT INTO t (a,b,c,d,e) SELECT x.a, x.b, x.c, x.d, x.e FROM t x, n WHERE n.i <= 12;
