// Package scenario_test runs the folders of test/scenarios, each of them a migration told as data, against every server.
//
// A folder holds create.sql (the table, beside the table n with the numbers 1 to 1000), alter, expect, and where they are
// needed load.sql (transactions, a blank line between them, run again and again while the migration runs), during.sql (run
// once when the rows are copied), after.sql (questions that must answer 1) and native (the clauses of the native ALTER to
// compare with, when alter is more than clauses). A file may come in a form of its own for one
// kind of server: alter.mariadb. What expect may say is told at type spec.
package scenario_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// atOnce is the number of migrations that run side by side: each mostly waits for its server.
const atOnce = 6

func TestMain(m *testing.M) {
	sandboxtest.AtOnce(atOnce)
	code := m.Run()
	if err := errors.Join(usual.stop(), odd.stop(), removeBinary()); err != nil {
		fmt.Fprintln(os.Stderr, "clean up after the tests:", err)
		code = 1
	}
	os.Exit(code)
}
