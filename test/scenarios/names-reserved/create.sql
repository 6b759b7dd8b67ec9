CREATE TABLE `select` (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  a INT NOT NULL,
  b VARCHAR(60),
  c INT,
  KEY a (a)
) ENGINE = InnoDB;
INSERT INTO `select` (a, b, c) SELECT i % 50, CONCAT('b ', i), IF(i % 3, i, NULL) FROM n WHERE i <= 600;
