CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a', 'b', 'c')) ENGINE = InnoDB;
INSERT INTO t SELECT i, 1 + i % 3 FROM n;
