DROP TABLE t__changelog;
