package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// Refusals that need more than a schema: other accounts, another run.

func TestRefuseWrongPassword(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		before := readState(t, s)
		p := start(t, arguments(s, "--alter", alterA, "--password", "wrong")...)
		p.exits(2)
		p.says(`log in to .* as "root": refused: check the user name and the password`)
		if text := p.err.String(); strings.Contains(text, "wrong\n") {
			t.Errorf("the password is shown: %s", text)
		}
		unchanged(t, s, before)
	})
}

func TestRefuseNoSuchDatabase(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		p := start(t, arguments(s, "--alter", alterA, "--database", "no_such_database")...)
		p.exits(2)
		p.says("there is no database `no_such_database`")
	})
}

// TestRefusalsTogether: what the text of the ALTER tells, what the server says of it and what else is wrong, in one answer.
func TestRefusalsTogether(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		s.MustExec("CREATE TABLE t__old (i INT) ENGINE = InnoDB; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1")
		before := readState(t, s)
		for alter, says := range map[string]string{
			"RENAME TO u, ALGORITHM = COPY":                "ALTER: refuse .*RENAME.*ALTER: refuse .*ALGORITHM.*triggers: .*table names: ",
			"DROP COLUMN no_such":                          "new definition: the server refuses the ALTER: .*no_such.*triggers: .*table names: ",
			"DROP COLUMN id, ADD COLUMN k TIME NOT NULL":   "new definition: .*the ALTER drops it: leave one of them as it is.*triggers: .*table names: ",
			"MODIFY id VARCHAR(9) NOT NULL, MODIFY b YEAR": "new definition: .*its type changes from int.*triggers: .*table names: ",
		} {
			for _, more := range [][]string{nil, {"--dry-run"}} {
				p := start(t, arguments(s, append(more, "--alter", alter)...)...)
				p.exits(2)
				p.says(says)
			}
		}
		unchanged(t, s, before)
	})
}

func TestRefuseSecondRun(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		startPostponed(t, s)
		during := readState(t, s)
		delete(during, "t__changelog") // its heartbeats go on
		delete(during, "t__checkpoint")
		second := start(t, arguments(s, "--alter", alterA)...)
		second.exits(2)
		second.says("connection [0-9]+ of root@.* holds it: another midstream is at work on the table")
		after := readState(t, s)
		delete(after, "t__changelog")
		delete(after, "t__checkpoint")
		for _, line := range during.differences(after) {
			t.Errorf("after the second run %s", line)
		}
	})
}

func TestRefuseMissingPrivilege(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		before := readState(t, s)
		account := fmt.Sprintf("'p%s'@'%%'", s.Name[len(s.Name)-10:])
		s.MustExec("CREATE USER " + account + " IDENTIFIED BY 'secret'")
		t.Cleanup(func() {
			if _, err := s.DB.Exec("DROP USER " + account); err != nil {
				t.Error(err)
			}
		})
		s.MustExec("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER ON " + s.Name + ".* TO " + account)
		name := strings.Split(account, "'")[1]
		p := start(t, arguments(s, "--alter", alterA, "--user", name, "--password", "secret")...)
		p.exits(2)
		p.says("LOCK TABLES.*REPLICATION SLAVE")
		unchanged(t, s, before)
	})
}

func unchanged(t *testing.T, s *sandboxtest.Schema, before state) {
	t.Helper()
	for _, line := range before.differences(readState(t, s)) {
		t.Errorf("after the refusal %s", line)
	}
}
