CREATE TABLE t (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  a INT NOT NULL,
  b VARCHAR(60),
  c INT,
  KEY a (a)
) ENGINE = InnoDB;
INSERT INTO t (a, b, c) SELECT i % 50, CONCAT('b ', i), IF(i % 3, i, NULL) FROM n WHERE i <= 600;
CREATE TABLE t__changelog (id INT) ENGINE = InnoDB COMMENT = 'midstream: working table of a migration, removed at its end';
CREATE TABLE t__new (id INT) ENGINE = InnoDB;
