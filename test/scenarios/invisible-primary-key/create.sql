SET SESSION sql_generate_invisible_primary_key = ON;
CREATE TABLE t (a INT NOT NULL, b VARCHAR(60), c INT, KEY a (a)) ENGINE = InnoDB;
INSERT INTO t (a, b, c) SELECT i, CONCAT('b ', i), i FROM n WHERE i <= 600;
