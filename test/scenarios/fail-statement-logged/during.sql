SET SESSION binlog_format = 'STATEMENT'; UPDATE t SET a = a + 1; SET SESSION binlog_format = 'ROW'
