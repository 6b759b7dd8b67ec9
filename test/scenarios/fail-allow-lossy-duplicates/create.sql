CREATE TABLE t (id INT PRIMARY KEY, b VARCHAR(20) CHARACTER SET utf8mb4, UNIQUE KEY u (b)) ENGINE = InnoDB;
INSERT INTO t SELECT i, CONCAT('value ', i) FROM n WHERE i < 100;
INSERT INTO t VALUES (201, 'value 17 and more'), (202, 'value 17 or less');
