package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

func TestEachGivesAnEmptySchemaOnEveryEngine(t *testing.T) {
	t.Setenv(DSNVariable, "")
	names := make(chan string, 10)
	t.Run("each", func(t *testing.T) {
		Each(t, func(t *testing.T, s *Schema) {
			s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v varchar(10)); INSERT INTO t VALUES (1, 'ä'), (2, NULL)")
			if got := s.MustQueryRows("SELECT id, v FROM t ORDER BY id"); fmt.Sprint(got) != "[1\tä 2\tNULL]" {
				t.Errorf("rows = %q", got)
			}
			if got := s.MustQueryString("SELECT DATABASE()"); got != s.Name {
				t.Errorf("schema = %q, want %q", got, s.Name)
			}
			if got := engineOf(s.MustQueryString("SELECT VERSION()")); got != s.Server.Engine {
				t.Errorf("engine = %s, want %s", got, s.Server.Engine)
			}
			names <- string(s.Server.Engine) + " " + s.Name
		})
	})
	close(names)
	seen := map[string]bool{}
	for name := range names {
		engine, schema, _ := strings.Cut(name, " ")
		seen[engine] = true
		address, err := shared(sandbox.Engine(engine))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := queryStrings(context.Background(), address.Open(""), "SHOW DATABASES LIKE '"+schema+"'")
		if err != nil || len(rows) != 0 {
			t.Errorf("%s: schema %s is left: %v %v", engine, schema, rows, err)
		}
	}
	if len(seen) != len(sandbox.Engines()) {
		t.Errorf("ran on %v, want all of %v", seen, sandbox.Engines())
	}
}

func TestEachPositionAddsOneServerWithoutGTIDs(t *testing.T) {
	t.Setenv(DSNVariable, "")
	ports := make(chan int, 10)
	t.Run("each", func(t *testing.T) {
		for range 2 {
			EachPosition(t, func(_ *testing.T, s *Schema) {
				if !s.Server.Engine.MariaDB() && s.MustQueryString("SELECT @@gtid_mode") == "OFF" {
					ports <- s.Server.Port
				}
			})
		}
	})
	close(ports)
	if first, second := <-ports, <-ports; first == 0 || first != second {
		t.Errorf("file positions on ports %d and %d, want the same server twice", first, second)
	}
	if third, more := <-ports; more {
		t.Errorf("file positions on port %d, too", third)
	}
}

func TestOwnServerIsUsedAndTheRestCounted(t *testing.T) {
	address, err := shared(sandbox.MariaDB1011)
	if err != nil {
		t.Fatal(err)
	}
	count := filepath.Join(t.TempDir(), "not-run")
	t.Setenv(DSNVariable, address.Config("").FormatDSN())
	t.Setenv(NotRunVariable, count)
	var ran []string
	t.Run("own", func(t *testing.T) {
		On(t, []sandbox.Engine{sandbox.MySQL97, sandbox.MariaDB1011}, func(t *testing.T, s *Schema) {
			ran = append(ran, s.MustQueryString("SELECT @@port"))
		})
		On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, _ *Schema) { t.Error("ran on a server of another kind") })
	})
	if want := fmt.Sprintf("[%d]", address.Port); fmt.Sprint(ran) != want {
		t.Errorf("ran on ports %v, want %s", ran, want)
	}
	text, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "/own: mysql-9.7: "); got != 2 {
		t.Errorf("counted %d, want 2:\n%s", got, text)
	}
}

func TestEngineOf(t *testing.T) {
	for version, want := range map[string]string{
		"8.4.3": "mysql-8.4", "26.10.0-log": "mysql-26.10", "8.0.36-28": "mysql-8.0",
		"11.4.5-MariaDB-ubu2404-log": "mariadb-11.4", "odd": "mysql-odd",
	} {
		if got := engineOf(version); string(got) != want {
			t.Errorf("engineOf(%q) = %s, want %s", version, got, want)
		}
	}
}
