package scenario_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// state is what a schema contains: its tables and views, each with its definition and the sum of its rows.
type state map[string]string

func readState(t *testing.T, s *sandboxtest.Schema) state {
	t.Helper()
	found := make(state)
	for _, line := range s.MustQueryRows("SHOW FULL TABLES") {
		name, kind, _ := strings.Cut(line, "\t")
		quoted := table.Quote(name)
		definition := s.MustQueryRows("SHOW CREATE TABLE " + quoted)
		if kind != "BASE TABLE" {
			found[name] = definition[0]
			continue
		}
		found[name] = definition[0] + "\nrows: " + sum(s, quoted, definition[0])
	}
	return found
}

// sum returns the server's checksum of the table's rows, or where a column is virtual, for which MariaDB's differs for equal rows,
// one of our own.
func sum(s *sandboxtest.Schema, quoted, definition string) string {
	if !strings.Contains(definition, " VIRTUAL") {
		return s.MustQueryRows("CHECKSUM TABLE " + quoted)[0]
	}
	rows := s.MustQueryRows("SELECT * FROM " + quoted)
	slices.Sort(rows)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(rows, "\n"))))
}

// differences tells, one line each, in what the states differ.
func (before state) differences(after state) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, there := after[name]
		switch {
		case !there:
			lines = append(lines, name+" is gone")
		case now != before[name]:
			lines = append(lines, fmt.Sprintf("%s is now\n%s\nand was\n%s", name, now, before[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, there := before[name]; !there {
			lines = append(lines, name+" is new")
		}
	}
	return lines
}

// without returns the state without the tables of a migration.
func (s state) without(n table.Names) state {
	rest := maps.Clone(s)
	for _, name := range []table.Name{n.Shadow, n.Changelog, n.Checkpoint} {
		delete(rest, name.Table)
	}
	return rest
}
