// Package verifytest has what tests put into a shadow table that is to be found there.
package verifytest

import (
	"slices"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

// Corruption is a value of some type, and another that is as near to it as can be.
type Corruption struct {
	Column  string // type
	Is, Was string // in the shadow, in the source
	only    string // "", mysql, an engine of MariaDB, or mariadb, which stores -0 as 0 (not 11.8.6, but 11.8.9)
}

// Corruptions are those of every type that the server has.
func Corruptions(e sandbox.Engine) []Corruption {
	return slices.DeleteFunc(slices.Clone(corruptions), func(c Corruption) bool {
		return !slices.Contains([]string{"", map[bool]string{true: "mariadb", false: "mysql"}[e.MariaDB()], string(e)}, c.only)
	})
}

var corruptions = []Corruption{
	{Column: "int", Was: "5", Is: "6"},
	{Column: "int", Was: "NULL", Is: "0"},
	{Column: "bigint unsigned", Was: "18446744073709551615", Is: "18446744073709551614"},
	{Column: "bigint", Was: "9007199254740993", Is: "9007199254740992"},
	{Column: "decimal(65,30)", Was: "0.000000000000000000000000000001", Is: "0.000000000000000000000000000002"},
	{Column: "decimal(10,2)", Was: "NULL", Is: "0"},
	{Column: "float", Was: "16777215", Is: "16777214"},
	{Column: "float", Was: "0e0", Is: "-1e0 * 0e0", only: "mysql"},
	{Column: "double", Was: "0.1e0", Is: "0.10000000000000002e0"},
	{Column: "double", Was: "1e308", Is: "1.0000000000000002e308"},
	{Column: "double", Was: "-1e0 * 0e0", Is: "0e0", only: "mysql"},
	{Column: "double", Was: "NULL", Is: "0"},
	{Column: "bit(64)", Was: "b'1111111111111111111111111111111111111111111111111111111111111111'", Is: "b'1111111111111111111111111111111111111111111111111111111111111110'"},
	{Column: "bit(1)", Was: "NULL", Is: "b'0'"},
	{Column: "year", Was: "2024", Is: "2025"},
	{Column: "date", Was: "'2024-02-29'", Is: "'2024-02-28'"},
	{Column: "date", Was: "NULL", Is: "'0000-00-00'"},
	{Column: "time(6)", Was: "'-838:59:58.999999'", Is: "'-838:59:58.999998'"},
	{Column: "datetime(6)", Was: "'2024-01-01 00:00:00.000001'", Is: "'2024-01-01 00:00:00.000002'"},
	{Column: "datetime", Was: "'2024-01-01 00:00:00'", Is: "'2024-01-01 00:00:01'"},
	{Column: "timestamp(6) NULL", Was: "'2024-01-01 00:00:00.000001'", Is: "'2024-01-01 00:00:00'"},
	{Column: "char(10) collate utf8mb4_general_ci", Was: "'a'", Is: "'A'"},
	{Column: "char(10) collate utf8mb4_general_ci", Was: "'e'", Is: "'é'"},
	{Column: "varchar(10) collate utf8mb4_general_ci", Was: "'a'", Is: "'a '"},
	{Column: "varchar(10) collate utf8mb4_bin", Was: "'a'", Is: "'a '"},
	{Column: "varchar(10) collate utf8mb4_bin", Was: "''", Is: "NULL"},
	{Column: "varchar(10) collate utf8mb4_unicode_ci", Was: "'a'", Is: "_utf8mb4 0x6100"},
	{Column: "varchar(10) collate utf8mb4_unicode_ci", Was: "'😀'", Is: "'😁'"},
	{Column: "varchar(10) character set latin1", Was: "_latin1 0xe4", Is: "_latin1 0x61"},
	{Column: "varchar(10) character set gbk", Was: "_gbk 0xb0a1", Is: "_gbk 0xb0a2"},
	{Column: "varchar(10) character set utf16", Was: "'a'", Is: "'a '"},
	{Column: "text", Was: "'a'", Is: "'a '"},
	{Column: "text", Was: "NULL", Is: "''"},
	{Column: "longtext", Was: "CONCAT(REPEAT('x', 70000), 'a')", Is: "CONCAT(REPEAT('x', 70000), 'b')"},
	{Column: "longtext character set latin1", Was: "REPEAT('x', 70000)", Is: "CONCAT(REPEAT('x', 70000), ' ')"},
	{Column: "binary(4)", Was: "0x6100", Is: "0x6120"},
	{Column: "varbinary(10)", Was: "0x61", Is: "0x6100"},
	{Column: "varbinary(10)", Was: "''", Is: "NULL"},
	{Column: "blob", Was: "0x61", Is: "0x41"},
	{Column: "longblob", Was: "REPEAT(0x00, 70000)", Is: "REPEAT(0x00, 70001)"},
	{Column: "enum('','a','b')", Was: "''", Is: "'a'"},
	{Column: "enum('','a','b')", Was: "1", Is: "NULL"},
	{Column: "set('a','b','c')", Was: "'a,c'", Is: "'a,b'"},
	{Column: "set('a','b','c')", Was: "''", Is: "NULL"},
	{Column: "json", Was: `'{"a": 1}'`, Is: `'{"a": "1"}'`},
	{Column: "json", Was: `'[1]'`, Is: `'[1.0]'`},
	{Column: "json", Was: `'null'`, Is: "NULL"},
	{Column: "json", Was: `'[true]'`, Is: `'[false]'`},
	{Column: "json", Was: "JSON_ARRAY(CAST('1.5' AS DECIMAL(5,1)))", Is: "JSON_ARRAY(1.5e0)", only: "mysql"},
	{Column: "json", Was: "JSON_ARRAY(CAST('2024-01-01' AS DATE))", Is: "JSON_ARRAY('2024-01-01')", only: "mysql"},
	{Column: "json", Was: `'{"a": 1, "b": 2}'`, Is: `'{"b": 2, "a": 1}'`, only: "mariadb"},
	{Column: "geometry", Was: "ST_GeomFromText('POINT(1 2)')", Is: "ST_GeomFromText('POINT(1 2.0000000000000004)')"},
	{Column: "geometry", Was: "ST_GeomFromText('POINT(1 2)')", Is: "ST_GeomFromText('POINT(1 2)', 4326)"},
	{Column: "geometry", Was: "NULL", Is: "ST_GeomFromText('POINT(0 0)')"},
	{Column: "vector(3)", Was: "STRING_TO_VECTOR('[1,2,3]')", Is: "STRING_TO_VECTOR('[1,2,3.0000002]')", only: "mysql"},
	{Column: "vector(3)", Was: "VEC_FromText('[1,2,3]')", Is: "VEC_FromText('[1,2,3.0000002]')", only: "mariadb-11.8"},
	{Column: "uuid", Was: "'123e4567-e89b-12d3-a456-426655440000'", Is: "'123e4567-e89b-12d3-a456-426655440001'", only: "mariadb"},
	{Column: "inet6", Was: "'::1'", Is: "'::2'", only: "mariadb"},
	{Column: "inet4", Was: "'10.0.0.1'", Is: "'10.0.0.2'", only: "mariadb"},
	{Column: "tinyint", Was: "-128", Is: "-127"},
	{Column: "smallint unsigned", Was: "65535", Is: "65534"},
	{Column: "mediumint", Was: "-8388608", Is: "-8388607"},
	{Column: "float", Was: "NULL", Is: "0"},
	{Column: "double", Was: "2.2250738585072014e-308", Is: "2.225073858507202e-308"},
	{Column: "bit(8)", Was: "b'10000000'", Is: "b'00000000'"},
	{Column: "year", Was: "NULL", Is: "0"},
	{Column: "time(6)", Was: "'00:00:00'", Is: "NULL"},
	{Column: "datetime(3)", Was: "'2024-01-01 00:00:00.001'", Is: "'2024-01-01 00:00:00.002'"},
	{Column: "timestamp NULL", Was: "NULL", Is: "'0000-00-00 00:00:00'"},
	{Column: "tinytext", Was: "''", Is: "NULL"},
	{Column: "mediumtext", Was: "'a'", Is: "_utf8mb4 0x6100"},
	{Column: "tinyblob", Was: "0x00", Is: "0x0000"},
	{Column: "mediumblob", Was: "''", Is: "0x00"},
	{Column: "binary(4)", Was: "0x00000000", Is: "NULL"},
	{Column: "json", Was: `'{"a": []}'`, Is: `'{"a": {}}'`},
	{Column: "json", Was: `'{"a": ""}'`, Is: `'{"a": null}'`},
	{Column: "point", Was: "ST_GeomFromText('POINT(1 2)')", Is: "ST_GeomFromText('POINT(2 1)')"},
}
