DROP TABLE t__new;
