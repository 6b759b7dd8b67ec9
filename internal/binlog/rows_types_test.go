package binlog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

// typeCase is a column definition with values, as SQL expressions, that are worth a look.
type typeCase struct {
	name   string
	column string
	values []string
	on     func(sandbox.Engine) bool // nil: every engine
}

func onMySQL(e sandbox.Engine) bool      { return !e.MariaDB() }
func onMariaDB(e sandbox.Engine) bool    { return e.MariaDB() }
func onMariaDB118(e sandbox.Engine) bool { return e == sandbox.MariaDB118 }

func list(values ...string) []string { return values }

var (
	dates     = list("'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'2023-02-30'", "'2020-00-00'", "'2020-05-00'", "'0001-01-01'")
	clocks    = list("'00:00:00'", "'838:59:59'", "'-838:59:59'", "'-00:00:01'", "'23:59:59'", "'100:00:00'", "'-12:34:56'")
	datetimes = list("'0000-00-00 00:00:00'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'2020-00-00 12:30:01'", "'2024-10-27 02:30:00'", "'2023-02-31 01:02:03'")
	// The hour that a summer time ends repeats, the hour that it begins is missing: neither may matter.
	timestamps = list("'0000-00-00 00:00:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "FROM_UNIXTIME(1729990800)",
		"FROM_UNIXTIME(1729987200)", "FROM_UNIXTIME(1711846799)", "FROM_UNIXTIME(1711846800)")
	doubles = list("0e0", "-0e0", "1e0", "-1.5e0", "0.1e0", "0.1e0+0.2e0", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308",
		"5e-324", "-5e-324", "1e100", "123456789.123456789e0", "9007199254740993e0", "4.9406564584124654e-320")
	floats    = list("0e0", "-0e0", "1e0", "-1.5e0", "0.1e0", "16777217e0", "3.402823466e38", "-3.402823466e38", "1.175494351e-38", "1e-45", "-1e-45", "123456.789e0", "3.14159274e0")
	asciiText = list("''", "'a'", "'it''s'", `'back\\slash'`, "' lead and trail '", "CONCAT('a',CHAR(0),'b')", "'tab\tnew\nline\rend'", "CHAR(127)", `'"%_;--/*'`)
	bytesText = list("''", "x'00'", "x'0000'", "x'61'", "x'6100'", "x'00ff'", "x'ffffffff'", "x'5c'", "x'27'", "x'2727'", "x'80'", "'text'", "x'0a'", "x'1a'", "x'0d0a'")
	emoji     = list("'ä'", "'日本語'", "'😀'", "'e\u0301'", "'😀''\\\\'", "'\u00a0'", "'\ufeff'")
)

// fractions returns the values with every number of digits of a second.
func fractions(name, typ string, values []string, fractions ...string) []typeCase {
	var cases []typeCase
	for digits := range 7 {
		all := append([]string{}, values...)
		if digits > 0 {
			for _, f := range fractions {
				for _, v := range values[1:] {
					if !strings.HasPrefix(v, "FROM") {
						all = append(all, strings.TrimSuffix(v, "'")+"."+f[:digits]+"'")
					}
				}
			}
		}
		cases = append(cases, typeCase{name: fmt.Sprintf("%s_%d", name, digits), column: fmt.Sprintf("%s(%d) NULL", typ, digits), values: all})
	}
	return cases
}

func integerCases() []typeCase {
	var cases []typeCase
	for i, name := range list("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT") {
		bits := []uint{8, 16, 24, 32, 64}[i]
		top := uint64(1)<<(bits-1) - 1
		cases = append(cases,
			typeCase{name: name, column: name, values: list("0", "1", "-1", fmt.Sprint(top), fmt.Sprintf("-%d", top+1), fmt.Sprintf("-%d", top))},
			typeCase{name: name + "_unsigned", column: name + " UNSIGNED", values: list("0", "1", fmt.Sprint(top), fmt.Sprint(top+1), fmt.Sprint(top*2+1))},
			typeCase{name: name + "_zerofill", column: name + "(5) ZEROFILL", values: list("0", "7", fmt.Sprint(top*2+1))})
	}
	return cases
}

func numberCases() []typeCase {
	nines := strings.Repeat("9", 65)
	cases := []typeCase{
		{name: "decimal_65_30", column: "DECIMAL(65,30)", values: list("0", "0.1", "-0.1", nines[:35]+"."+nines[:30], "-"+nines[:35]+"."+nines[:30],
			"0.000000000000000000000000000001", "-0.000000000000000000000000000001", "100000000", "1000000000", "999999999.999999999", "-1000000000.0000000001")},
		{name: "decimal_65_38", column: "DECIMAL(65,38)", values: list("0", nines[:27]+"."+nines[:38], "-"+nines[:27]+"."+nines[:38]), on: onMariaDB},
		{name: "decimal_65_0", column: "DECIMAL(65,0)", values: list("0", nines, "-"+nines, "18446744073709551616", "-9223372036854775809")},
		{name: "decimal_30_30", column: "DECIMAL(30,30)", values: list("0", "0."+nines[:30], "-0."+nines[:30], "0.5")},
		{name: "decimal_unsigned", column: "DECIMAL(10,2) UNSIGNED", values: list("0", "99999999.99", "0.01")},
		{name: "double", column: "DOUBLE", values: doubles},
		{name: "double_10_3", column: "DOUBLE(10,3)", values: list("0", "1234567.891", "-1234567.891", "0.001", "-0.001", "9999999.999")},
		{name: "double_unsigned", column: "DOUBLE UNSIGNED", values: list("0", "1e300", "5e-324")},
		{name: "float", column: "FLOAT", values: floats},
		{name: "float_7_4", column: "FLOAT(7,4)", values: list("0", "999.9999", "-999.9999", "0.0001", "123.4567")},
		{name: "float_20_10", column: "FLOAT(20,10)", values: list("0", "1234567890.1234567890", "123.4567890123", "-0.0000000001")},
		{name: "float_53", column: "FLOAT(53)", values: doubles},
		{name: "bit_1", column: "BIT(1)", values: list("b'0'", "b'1'")},
		{name: "bit_9", column: "BIT(9)", values: list("b'0'", "b'1'", "b'100000000'", "b'111111111'")},
		{name: "bit_64", column: "BIT(64)", values: list("b'0'", "18446744073709551615", "9223372036854775808", "1")},
		{name: "bool", column: "BOOL", values: list("TRUE", "FALSE", "127")},
		{name: "year", column: "YEAR", values: list("0", "1901", "2155", "2000", "'0000'")},
	}
	for precision := 1; precision <= 65; precision += 7 {
		for _, scale := range slices.Compact([]int{0, min(precision/2, 30), min(precision, 30)}) {
			cases = append(cases, typeCase{
				name: fmt.Sprintf("decimal_%d_%d", precision, scale), column: fmt.Sprintf("DECIMAL(%d,%d)", precision, scale),
				values: list("0", withPoint(nines[:precision], scale), "-"+withPoint(nines[:precision], scale),
					withPoint(strings.Repeat("1", precision), scale), "-"+withPoint(strings.Repeat("10", precision)[:precision], scale)),
			})
		}
	}
	return cases
}

func withPoint(digits string, scale int) string {
	whole := len(digits) - scale
	return "0" + digits[:whole] + "." + digits[whole:] + "0"
}

func temporalCases() []typeCase {
	cases := []typeCase{{name: "date", column: "DATE", values: dates}}
	cases = append(cases, fractions("time", "TIME", clocks[:1:1], "999999")...)
	cases = append(cases, fractions("time_more", "TIME", []string{"'00:00:00'", "'00:00:00'", "'837:59:59'", "'-837:59:59'", "'-00:00:00'", "'-00:00:01'", "'12:34:56'"}, "999999", "000001", "100000", "010203")...)
	cases = append(cases, typeCase{name: "time_ends", column: "TIME(6)", values: clocks})
	cases = append(cases, fractions("datetime", "DATETIME", datetimes, "999999", "000001", "100000", "010203")...)
	cases = append(cases, fractions("timestamp", "TIMESTAMP", timestamps[:3], "999999", "000001", "100000")...)
	cases = append(cases, typeCase{name: "timestamp_folds", column: "TIMESTAMP NULL", values: timestamps})
	return append(cases, typeCase{name: "timestamp_2106", column: "TIMESTAMP(6) NULL", values: list("'2106-02-07 06:28:15.999999'"), on: onMariaDB118})
}

// oldTemporalCases are columns that MariaDB made before it took MySQL's formats, or with mysql56_temporal_format=OFF.
func oldTemporalCases() []typeCase {
	var cases []typeCase
	for digits := range 7 {
		f := ""
		if digits > 0 {
			f = "." + "987654"[:digits]
		}
		cases = append(cases,
			typeCase{name: fmt.Sprintf("time_%d", digits), column: fmt.Sprintf("TIME(%d)", digits),
				values: list("'00:00:00'", "'12:34:56"+f+"'", "'-12:34:56"+f+"'", "'838:59:59'", "'-838:59:59'", "'-00:00:00"+f+"'")},
			typeCase{name: fmt.Sprintf("datetime_%d", digits), column: fmt.Sprintf("DATETIME(%d)", digits),
				values: list("'0000-00-00 00:00:00'", "'2024-12-31 23:59:59"+f+"'", "'9999-12-31 23:59:59"+f+"'", "'2020-00-00 00:00:01"+f+"'")},
			typeCase{name: fmt.Sprintf("timestamp_%d", digits), column: fmt.Sprintf("TIMESTAMP(%d) NULL", digits),
				values: list("'0000-00-00 00:00:00'", "'2024-12-31 23:59:59"+f+"'", "'2038-01-19 03:14:07'", "'1970-01-01 00:00:01"+f+"'")})
	}
	return cases
}

func stringCases() []typeCase {
	text := append(append([]string{}, asciiText...), emoji...)
	cases := []typeCase{
		{name: "binary_5", column: "BINARY(5)", values: list("''", "x'00'", "x'6100'", "x'6100000000'", "x'ffffffffff'", "x'0000000001'", "'it''s'", `'a\\b'`)},
		{name: "binary_255", column: "BINARY(255)", values: list("''", "'a'", "REPEAT('a',255)", "CONCAT('a',REPEAT(x'00',253),'b')")},
		{name: "binary_0", column: "BINARY(0)", values: list("''")},
		{name: "char_0", column: "CHAR(0)", values: list("''")},
		{name: "varbinary_255", column: "VARBINARY(255)", values: bytesText},
		{name: "varbinary_256", column: "VARBINARY(256)", values: append(list("REPEAT(x'ff',256)"), bytesText...)},
		{name: "tinyblob", column: "TINYBLOB", values: append(list("REPEAT(x'00ff',127)"), bytesText...)},
		{name: "blob", column: "BLOB", values: append(list("REPEAT('a',65535)"), bytesText...)},
		{name: "mediumblob", column: "MEDIUMBLOB", values: append(list("REPEAT(x'00',70000)"), bytesText...)},
		{name: "longblob", column: "LONGBLOB", values: append(list("REPEAT(x'27',70000)"), bytesText...)},
		{name: "blob_10", column: "BLOB(10)", values: bytesText},
		{name: "tinytext", column: "TINYTEXT CHARACTER SET utf8mb4", values: append(list("REPEAT('é',127)"), text...)},
		{name: "text", column: "TEXT CHARACTER SET utf8mb4", values: append(list("REPEAT('😀',16383)", "REPEAT('é\\\\\"',9000)"), text...)},
		{name: "mediumtext", column: "MEDIUMTEXT CHARACTER SET utf8mb4", values: append(list("REPEAT('é',70000)"), text...)},
		{name: "longtext", column: "LONGTEXT CHARACTER SET utf8mb4", values: append(list("REPEAT('x',70000)"), text...)},
		{name: "char_255", column: "CHAR(255) CHARACTER SET utf8mb4", values: append(list("REPEAT('😀',255)", "REPEAT('a',255)"), text...)},
		{name: "varchar_63", column: "VARCHAR(63) CHARACTER SET utf8mb4", values: text},
		{name: "varchar_64", column: "VARCHAR(64) CHARACTER SET utf8mb4", values: text},
		{name: "utf8mb3", column: "VARCHAR(20) CHARACTER SET utf8mb3", values: append(list("'ä'", "'日本'"), asciiText...)},
		{name: "char_utf8mb3", column: "CHAR(100) CHARACTER SET utf8mb3", values: append(list("'ä'", "REPEAT('日',100)"), asciiText...)},
	}
	hexed := map[string][]string{
		"latin1": list("x'e4'", "x'80'", "x'81'"), "gbk": list("x'bf5c'", "x'd6d0'", "x'8140'"), "sjis": list("x'835c'", "x'b1'"), "cp932": list("x'835c'"),
		"big5": list("x'a55c'"), "euckr": list("x'b0a1'"), "gb2312": list("x'b0a1'"), "ujis": list("x'a4a2'", "x'8fb0a1'"), "eucjpms": list("x'a4a2'"),
		"gb18030": list("x'81308130'", "x'bf5c'"), "ucs2": list("x'00270027'", "x'005c'", "x'2727'", "x'00e4'"), "utf16": list("x'd83dde00'", "x'0027'"),
		"utf16le": list("x'3dd800de'", "x'2700'"), "utf32": list("x'0001f600'", "x'00000027'"), "ascii": nil, "swe7": list("x'5b5d7b7d'"), "cp1251": list("x'cf'"),
		"koi8r": list("x'cf'"), "tis620": list("x'a1'"), "hebrew": list("x'e0'"), "greek": list("x'e1'"), "dec8": list("x'e4'"), "keybcs2": list("x'84'"),
		"cp1256": list("x'c7'"), "binary": list("x'00ff'"),
	}
	for charset, raw := range hexed {
		on := func(sandbox.Engine) bool { return true }
		if charset == "gb18030" {
			on = onMySQL
		}
		var values []string
		for _, r := range raw {
			values = append(values, "_"+charset+" "+r)
		}
		if charset != "swe7" {
			values = append(values, asciiText...)
		}
		if len(raw) > 0 {
			cases = append(cases, typeCase{name: charset + "_long", column: "MEDIUMTEXT CHARACTER SET " + charset, values: list("REPEAT(_" + charset + " " + raw[0] + ", 20000)"), on: on})
		}
		for _, typ := range list("VARCHAR(40)", "CHAR(40)", "CHAR(200)", "TEXT") {
			cases = append(cases, typeCase{name: charset + "_" + strings.NewReplacer("(", "", ")", "").Replace(typ), column: typ + " CHARACTER SET " + charset, values: values, on: on})
		}
	}
	return cases
}

func memberCases() []typeCase {
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("'m%d'", i))
	}
	return []typeCase{
		{name: "enum", column: "ENUM('a','b','it''s','日本') CHARACTER SET utf8mb4", values: list("'a'", "'b'", "'it''s'", "'日本'")},
		{name: "enum_300", column: "ENUM(" + strings.Join(many, ",") + ")", values: list("'m0'", "'m254'", "'m255'", "'m256'", "'m299'")},
		{name: "enum_ucs2", column: "ENUM('a','0','ä') CHARACTER SET ucs2", values: list("'a'", "'0'", "'ä'")},
		{name: "set_1", column: "SET('a')", values: list("''", "'a'")},
		{name: "set_9", column: "SET(" + strings.Join(many[:9], ",") + ")", values: list("''", "'m0'", "'m8'", "'m0,m8'", "511")},
		{name: "set_17", column: "SET(" + strings.Join(many[:17], ",") + ")", values: list("''", "'m16'", "131071")},
		{name: "set_25", column: "SET(" + strings.Join(many[:25], ",") + ")", values: list("''", "'m24'", "33554431")},
		{name: "set_64", column: "SET(" + strings.Join(many[:64], ",") + ")", values: list("''", "'m63'", "'m0,m63'", "18446744073709551615")},
	}
}

func specialCases() []typeCase {
	shapes := list("ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(-0.5 1e300)')", "ST_GeomFromText('LINESTRING(0 0,1 1,2 5)')",
		"ST_GeomFromText('POLYGON((0 0,0 5,5 5,5 0,0 0))')", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')", "ST_GeomFromText('MULTIPOINT(1 1,2 2)')")
	return []typeCase{
		{name: "geometry", column: "GEOMETRY", values: shapes},
		{name: "geometry_srid", column: "GEOMETRY", values: list("ST_GeomFromText('POINT(1 2)',4326)", "ST_GeomFromText('POINT(1 2)',0)")},
		{name: "point", column: "POINT", values: shapes[:2]},
		{name: "point_4326", column: "POINT SRID 4326", values: list("ST_GeomFromText('POINT(1 2)',4326)"), on: onMySQL},
		{name: "polygon", column: "POLYGON", values: shapes[3:4]},
		{name: "vector", column: "VECTOR(3)", values: list("TO_VECTOR('[1,2,3]')", "TO_VECTOR('[-0,1e-37,3.4e38]')"), on: onMySQL},
		{name: "vector_maria", column: "VECTOR(3)", values: list("VEC_FromText('[1,2,3]')", "VEC_FromText('[0,1e-37,3.4e38]')"), on: onMariaDB118},
		{name: "vector_100", column: "VECTOR(100)", values: list("x'" + strings.Repeat("0000803f", 100) + "'"), on: func(e sandbox.Engine) bool { return e != sandbox.MariaDB1011 }},
		{name: "uuid", column: "UUID", on: onMariaDB, values: list("'00000000-0000-0000-0000-000000000000'", "'123e4567-e89b-12d3-a456-426655440000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
			"'123e4567-e89b-42d3-a456-426655440000'", "'01890a5d-ac96-774b-bcce-b302099a8057'", "'12300000-0000-0000-0000-000000000000'", "'00000000-0000-1000-8000-000000000000'")},
		{name: "inet6", column: "INET6", on: onMariaDB, values: list("'::'", "'2001:db8::'", "'::1'", "'::ffff:192.0.2.1'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'::192.0.2.1'", "'1:2:3:4:5:6:7:0'")},
		{name: "inet4", column: "INET4", on: onMariaDB, values: list("'0.0.0.0'", "'255.255.255.255'", "'10.0.0.0'", "'192.0.2.1'")},
		{name: "compressed_varchar", column: "VARCHAR(1000) COMPRESSED CHARACTER SET utf8mb4", on: onMariaDB,
			values: list("''", "'short'", "REPEAT('long ',150)", "REPEAT('é',500)", "CONCAT(REPEAT('a',300),'''')")},
		{name: "compressed_varbinary", column: "VARBINARY(200) COMPRESSED", on: onMariaDB, values: list("''", "x'00'", "REPEAT(x'00ff',100)")},
		{name: "compressed_text", column: "TEXT COMPRESSED CHARACTER SET latin1", on: onMariaDB, values: list("''", "'short'", "REPEAT('x',60000)")},
		{name: "compressed_tinyblob", column: "TINYBLOB COMPRESSED", on: onMariaDB, values: list("''", "x'00'", "REPEAT('x',200)")},
		{name: "compressed_longblob", column: "LONGBLOB COMPRESSED", on: onMariaDB, values: list("''", "x'00'", "REPEAT('x',200000)")},
		{name: "json_maria", column: "JSON", on: onMariaDB, values: list(`'{"a": [1, 2.50, "é"]}'`, "'null'", "'1e400'")},
		{name: "virtual", column: "INT, v INT AS (c + 1) VIRTUAL, w BIGINT AS (c * 2) STORED", values: list("1", "-5")},
	}
}

// jsonOf is an array with one value out of a column of that type.
func jsonOf(value, columnType string) string {
	return fmt.Sprintf("(SELECT JSON_ARRAY(c) FROM JSON_TABLE(JSON_ARRAY(%s), '$[*]' COLUMNS (c %s PATH '$' ERROR ON ERROR)) AS j)", value, columnType)
}

func jsonCases() []typeCase {
	deep := strings.Repeat("[", 99) + "1" + strings.Repeat("]", 99)
	cases := []typeCase{
		{name: "json_scalars", values: list("'null'", "'true'", "'false'", "'0'", "'1'", "'-1'", "'127'", "'128'", "'32767'", "'32768'", "'-32768'", "'-32769'", "'65535'", "'65536'",
			"'2147483647'", "'2147483648'", "'4294967295'", "'4294967296'", "'-2147483649'", "'9223372036854775807'", "'9223372036854775808'", "'-9223372036854775808'", "'18446744073709551615'",
			`'""'`, `'"text"'`, `'"é😀"'`, `'"it''s"'`, `'"\\u0000\\u001f\\n\\"\\\\"'`, `'"\\u007f"'`)},
		{name: "json_doubles", values: list("'1.0'", "'-0.0'", "'0.1'", "'1e22'", "'1e23'", "'1e100'", "'-1.5e-10'", "'123456789012345.5'", "'0.30000000000000004'", "'5e-324'", "'1.7976931348623157e308'",
			"CAST(0.1e0+0.2e0 AS JSON)", "CAST(-0e0 AS JSON)", "CAST(1e100 AS JSON)", "CAST(5e-324 AS JSON)", "CAST(2.2250738585072011e-308 AS JSON)", "CAST(123456789012345678e0 AS JSON)")},
		{name: "json_typed", values: list("JSON_ARRAY(CAST(5 AS UNSIGNED), CAST(5000000000 AS SIGNED), CAST(70000 AS UNSIGNED))", "JSON_ARRAY(1.50, CAST(2.5 AS DECIMAL(10,3)), 0.00, -1.1)",
			"JSON_ARRAY(CAST(-12345678901234567890123456789012345.123456789012345678901234567890 AS DECIMAL(65,30)))", "CAST(1.5 AS JSON)", "CAST(CAST(7 AS UNSIGNED) AS JSON)",
			"CAST(CAST('2024-02-29' AS DATE) AS JSON)", "CAST(CAST('2024-02-29 12:00:01.5' AS DATETIME(6)) AS JSON)", "CAST(CAST('-12:34:56.000001' AS TIME(6)) AS JSON)",
			"JSON_OBJECT('d', CAST('0000-00-00' AS DATE), 't', CAST('838:59:59' AS TIME), 'dt', CAST('9999-12-31 23:59:59' AS DATETIME), 'n', NULL, 'b', TRUE, 'nested', JSON_ARRAY(1, 'x', JSON_OBJECT('k', 2.50)))",
			"JSON_OBJECT('plain', 1, 'safe', CAST('{\"a\": [1, 2.5, \"é\"]}' AS JSON), 'typed', 1.0)", "CAST(9223372036854775807 AS JSON)")},
		{name: "json_decimals", values: list(jsonOf("'1.5'", "DECIMAL(10,3)"), jsonOf("'0'", "DECIMAL(65,30)"), jsonOf("'0.05'", "DECIMAL(30,30)"), jsonOf("'-99999999.99'", "DECIMAL(10,2)"),
			jsonOf("'12'", "DECIMAL(65,0)"), jsonOf("'123456789012345678901234567890123456789012345678901234567890'", "DECIMAL(65,0)"), "JSON_ARRAY(0.1+0.2, 1/3, 10.00/4, -0.0)",
			"JSON_ARRAY(SUBSTRING('12', 1) + 0.0, CAST(1 AS DECIMAL(65,30)), CAST(100000000 AS DECIMAL(9,0)), CAST(0.5 AS DECIMAL(9,9)))")},
		{name: "json_containers", values: list("'{}'", "'[]'", "'[[], {}, [{}], null]'", `'{"b": 1, "a": 2, "aa": 3, "": 4}'`, `'{"é\\n''\\"": {"😀": []}}'`, "'"+deep+"'",
			"CAST(CONCAT('[', REPEAT('1,', 40000), '1]') AS JSON)", "CAST(CONCAT('[', REPEAT('\"some text\",', 20000), '100000, -100000]') AS JSON)", "JSON_OBJECT('big', REPEAT('x', 70000), 'i', 100000, 'd', 1.0)",
			"CAST(CONCAT('{\"', REPEAT('k', 60000), '\": 1}') AS JSON)")},
		{name: "json_opaque", values: list("JSON_ARRAY(_binary x'00ff')", "JSON_ARRAY(b'101')",
			jsonOf("5", "BIT(12)"), jsonOf("18446744073709551615", "BIT(64)"), jsonOf("'2024-01-02 03:04:05.678901'", "TIMESTAMP(6)"), jsonOf("'2024-01-02 03:04:05.678901'", "TIMESTAMP(0)"),
			jsonOf("_binary x'00ff27'", "TINYBLOB"), jsonOf("'ab'", "BLOB"), jsonOf("'ab'", "MEDIUMBLOB"), jsonOf("''", "LONGBLOB"), jsonOf("'ab'", "BINARY(4)"), jsonOf("'ab'", "VARBINARY(4)"),
			jsonOf("2020", "YEAR"), jsonOf("'b'", "ENUM('a','b')"), "(SELECT JSON_EXTRACT(JSON_ARRAY(c), '$[0]') FROM JSON_TABLE('[\"ab\"]', '$[*]' COLUMNS (c VARBINARY(4) PATH '$')) AS j)",
			"JSON_ARRAY(ST_GeomFromText('POINT(1 1.5)'))")},
	}
	for i := range cases {
		cases[i].column, cases[i].on = "JSON", onMySQL
	}
	return cases
}

func typeCases() []typeCase {
	var all []typeCase
	for _, cases := range [][]typeCase{integerCases(), numberCases(), temporalCases(), stringCases(), memberCases(), specialCases(), jsonCases()} {
		all = append(all, cases...)
	}
	return all
}
