package preflight

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

func TestServerFindings(t *testing.T) {
	for _, c := range []struct {
		flavor  conn.Flavor
		text    string
		global  variables
		failure string
	}{
		{conn.MySQL, "8.0.17", nil, ""},
		{conn.MySQL, "8.0.36-28", variables{"version_comment": "Percona Server (GPL), Release 28"}, ""},
		{conn.MySQL, "26.10.0", nil, ""},
		{conn.MySQL, "8.0.16", nil, "the server is MySQL 8.0.16: too old"},
		{conn.MySQL, "5.7.44-log", nil, "the server is MySQL 5.7.44: too old"},
		{conn.MariaDB, "10.6.0-MariaDB", nil, ""},
		{conn.MariaDB, "5.5.5-10.11.4-MariaDB-log", nil, ""},
		{conn.MariaDB, "10.5.25-MariaDB", nil, "the server is MariaDB 10.5.25: too old"},
		{conn.MySQL, "8.0.11-TiDB-v7.5.0", nil, "the server is TiDB (8.0.11-TiDB-v7.5.0), which is not supported"},
		{conn.MySQL, "8.0.30-Vitess", nil, "the server is Vitess"},
		{conn.MySQL, "8.0.33", variables{"version_comment": "Dolt"}, "the server is Dolt (8.0.33)"},
		{conn.MariaDB, "10.11.4-MariaDB", variables{"wsrep_on": "ON"}, "a node of a Galera cluster"},
		{conn.MariaDB, "10.11.4-MariaDB", variables{"wsrep_on": "OFF"}, ""},
		{conn.MySQL, "9.7.4", variables{"group_replication_single_primary_mode": "OFF", "group_replication_group_name": "aa"}, "a replication group with several primaries"},
		{conn.MySQL, "9.7.4", variables{"group_replication_single_primary_mode": "ON", "group_replication_group_name": "aa"}, ""},
		{conn.MySQL, "9.7.4", variables{"group_replication_single_primary_mode": "OFF", "group_replication_group_name": ""}, ""},
		{conn.MySQL, "8.0.32", variables{"aurora_version": "3.05"}, ""},
	} {
		version, err := conn.ParseVersion(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		for _, f := range serverFindings(&conn.Server{Flavor: c.flavor, Version: version, Text: c.text}, c.global) {
			r.add(f)
		}
		switch {
		case c.failure == "" && len(r.Failures) > 0:
			t.Errorf("%s: got %s", c.text, r.String())
		case c.failure != "" && (len(r.Failures) != 1 || !strings.Contains(r.Failures[0].Text, c.failure)):
			t.Errorf("%s: got %s, want %q", c.text, r.String(), c.failure)
		}
		if _, aurora := c.global["aurora_version"]; aurora != (len(r.Notes) == 1) {
			t.Errorf("%s: notes %v", c.text, r.Notes)
		}
	}
}

func TestSessionFindings(t *testing.T) {
	rows := []map[string]string{{"id": "7", "setting": "a=1"}}
	for range 12 {
		rows = append(rows, map[string]string{"id": "9", "setting": "b=2"})
	}
	found := sessionFindings(rows)
	if len(found) != 2 || !strings.HasPrefix(found[0].Text, "other sessions (7) have a=1: ") || found[0].Fix != "end them or wait for their end: KILL 7;" ||
		!strings.HasPrefix(found[1].Text, "other sessions (9, 9, 9, 9, 9, 9, 9, 9, 9, 9, …) have b=2: ") || !strings.HasSuffix(found[1].Fix, "KILL 9; …") {
		t.Errorf("got %+v", found)
	}
}

func TestFilterFindings(t *testing.T) {
	for _, c := range []struct {
		schema, do, ignore string
		refused            bool
	}{
		{"app", "", "", false},
		{"app", "app", "", false},
		{"app", "other,app", "", false},
		{"app", "other", "", true},
		{"app", "apple", "", true},
		{"app", "", "app", true},
		{"app", "", "x,APP", true},
		{"app", "", "apple", false},
		{"app", "app", "app", true},
	} {
		if got := filterFindings(c.schema, c.do, c.ignore); (len(got) == 1) != c.refused {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestVariablesThatAServerLacks(t *testing.T) {
	if found := binlogFindings(variables{"log_bin": "ON"}, variables{}); len(found) > 0 {
		t.Errorf("a later server without these settings: got %v", found)
	}
	full := variables{"log_bin": "1", "binlog_format": "row", "binlog_row_image": "FULL_NODUP"}
	if found := binlogFindings(full, full); len(found) > 0 {
		t.Errorf("got %v", found)
	}
	for _, c := range []struct {
		global variables
		warned bool
	}{
		{variables{}, false},
		{variables{"binlog_expire_logs_seconds": "0", "expire_logs_days": "0.000000"}, false},
		{variables{"binlog_expire_logs_seconds": "0", "expire_logs_days": "0.5"}, true},
		{variables{"expire_logs_days": "1"}, false},
		{variables{"binlog_expire_logs_seconds": "86399"}, true},
		{variables{"binlog_expire_logs_seconds": "86399", "binlog_expire_logs_auto_purge": "OFF"}, false},
	} {
		if found := retentionFindings(c.global); (len(found) == 1) != c.warned {
			t.Errorf("%v: got %v", c.global, found)
		}
	}
}

func TestRoomFindings(t *testing.T) {
	n := need{table: 100, log: 50}
	root, logs := &disk{"/", 1000}, &disk{"/log", 1000}
	for _, c := range []struct {
		name       string
		data, logs *disk
		want       []level
	}{
		{"enough", root, logs, nil},
		{"unknown", nil, logs, []level{remark}},
		{"no room for the table", &disk{"/", 99}, logs, []level{failure}},
		{"no room for table and log", &disk{"/", 149}, &disk{"/", 149}, []level{warning}},
		{"room for the table, the log elsewhere", &disk{"/", 100}, logs, nil},
		{"no room for the log", root, &disk{"/log", 49}, []level{warning}},
		{"log unknown", &disk{"/", 100}, nil, nil},
	} {
		var got []level
		for _, f := range roomFindings(n, c.data, c.logs) {
			got = append(got, f.level)
		}
		if len(got) != len(c.want) || len(got) == 1 && got[0] != c.want[0] {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestDiskOf(t *testing.T) {
	disks := []disk{{path: "/"}, {path: "/var/lib"}, {path: "/var"}, {path: "/var/library"}}
	for folder, want := range map[string]string{"/var/lib/mysql/": "/var/lib", "/var/lib": "/var/lib", "/var/library/x": "/var/library", "/var/libx": "/var", "/srv": "/"} {
		if d := diskOf(disks, folder); d == nil || d.path != want {
			t.Errorf("%s: got %v, want %s", folder, d, want)
		}
	}
	if d := diskOf(disks[1:], "/srv"); d != nil {
		t.Errorf("got %v, want none", d)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB", 1 << 62: "4.0 EiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestSystemSchemasAreRefusedInAnyCase(t *testing.T) {
	in := &inspection{Input: Input{Names: table.NamesFor(table.Name{Schema: "Performance_Schema", Table: "threads"})}}
	found, err := checkTable(t.Context(), in)
	if err != nil || len(found) != 1 || !strings.Contains(found[0].Text, "is a table of the server's own") {
		t.Errorf("got %v, %v", found, err)
	}
}
