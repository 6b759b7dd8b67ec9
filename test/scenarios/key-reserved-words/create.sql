CREATE TABLE t (
  `key` INT NOT NULL, `order` VARCHAR(20) NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (`key`,`order`),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (`key`,`order`, v, c) SELECT i % 10, CONCAT('o', i), i, CONCAT('row ', i) FROM n;
