package copier

import (
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// DuplicateError says that rows of the source have the same value in a unique key of the shadow.
type DuplicateError struct {
	Shadow table.Name
	Err    error // the server's, which names the value and the key
}

// Error implements error.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("two rows of the source collide in a unique key of %s: %v; make the values distinct in the source, "+
		"or leave the unique key (or what makes the values equal) out of the ALTER", e.Shadow, conn.Message(e.Err))
}

// Unwrap implements the errors package's interface.
func (e *DuplicateError) Unwrap() error { return e.Err }

// ValueError says that the shadow cannot hold a row of the source.
type ValueError struct {
	Text string
	Err  error // the server's
}

// Error implements error.
func (e *ValueError) Error() string { return e.Text }

// Unwrap implements the errors package's interface.
func (e *ValueError) Unwrap() error { return e.Err }

// errWarning is a warning about a value that the server stored all the same.
type errWarning struct{ conn.Warning }

// Error implements error.
func (e errWarning) Error() string { return e.Message }
