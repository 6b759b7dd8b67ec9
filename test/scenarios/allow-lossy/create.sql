CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  v INT NOT NULL DEFAULT 0,
  a INT,
  b VARCHAR(30) CHARACTER SET utf8mb4,
  c DECIMAL(12,4),
  d DATETIME(6),
  e DOUBLE,
  f VARCHAR(30) CHARACTER SET utf8mb4
) ENGINE = InnoDB;
INSERT INTO t (a,b,c,d,e,f) VALUES (300, 'longer than ten', 1.2550, '2024-02-29 23:59:59.999999', 0.125, 'z'), (-2147483648, '日本', -99999999.9999, '2024-02-29 12:00:00.5', 1e300, 'a'), (7, 'short', 1, '2024-02-29 00:00:00', 2.5, 'B'), (NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO t (a,b,c,d,e,f) SELECT x.a, x.b, x.c, x.d, x.e, x.f FROM t x, n WHERE n.i <= 999;
