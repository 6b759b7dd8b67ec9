package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// xaPause is the time between two looks at the prepared transactions.
const xaPause = 100 * time.Millisecond

// PreparedXA is the error that transactions stand prepared and undecided.
type PreparedXA struct{ XIDs conn.XIDs }

// Error implements error.
func (e *PreparedXA) Error() string {
	return "XA transactions are prepared and not decided: " + e.XIDs.String()
}

// AwaitNoPreparedXA waits until no XA transaction stands prepared on the server: the rows of one that was prepared before the
// stream's start could not be followed. After patience (0: one look) it returns *PreparedXA.
func AwaitNoPreparedXA(ctx context.Context, q conn.Querier, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		prepared, err := conn.PreparedXA(ctx, q)
		if err != nil {
			return err
		}
		if len(prepared) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return &PreparedXA{prepared}
		}
		if err := conn.Pause(ctx, xaPause); err != nil {
			return fmt.Errorf("wait for prepared XA transactions: %w", err)
		}
	}
}

// checkXA refuses while XA transactions stay undecided. Without the privilege MySQL's XA RECOVER fails, which is named elsewhere.
func checkXA(ctx context.Context, in *inspection) ([]finding, error) {
	if in.lacksPrivileges || in.Resumes { // a position stands before what was prepared and not decided
		return nil, nil
	}
	err := AwaitNoPreparedXA(ctx, in.DB, in.XAPatience)
	var prepared *PreparedXA
	if errors.As(err, &prepared) {
		return []finding{fail(prepared.Error(), fmt.Sprintf("decide each of them: XA COMMIT or XA ROLLBACK %s", prepared.XIDs[0]))}, nil
	}
	return nil, err
}
