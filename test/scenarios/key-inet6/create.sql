CREATE TABLE t (
  k INET6 NOT NULL,
  v INT NOT NULL,
  c VARCHAR(40) NOT NULL,
  PRIMARY KEY (k),
  KEY v (v)
) ENGINE = InnoDB;
INSERT INTO t (k, v, c) SELECT CONCAT('2001:0:db8:', HEX(i DIV 65536), ':1:', HEX(i % 65536), ':0:7'), i, CONCAT('row ', i) FROM n;
INSERT INTO t (k, v, c) VALUES ('::', 1, 'none'), ('2001:db8::', 2, 'zeros at the end'), ('::10.1.2.3', 3, 'shown as IPv4');
