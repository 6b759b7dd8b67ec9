SELECT COUNT(*) = 0 FROM t WHERE b = 'never';
SELECT COUNT(*) > 0 FROM t WHERE b = 'kept';
