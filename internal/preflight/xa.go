package preflight

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// xaPause is the time between two looks at the prepared transactions.
const xaPause = 100 * time.Millisecond

// PreparedXA is the error that transactions stand prepared and undecided. XIDs are written as XA COMMIT takes them.
type PreparedXA struct{ XIDs []string }

// Error implements error.
func (e *PreparedXA) Error() string {
	return fmt.Sprintf("XA transactions are prepared and not decided: %s", strings.Join(e.XIDs, "; "))
}

// AwaitNoPreparedXA waits until no XA transaction stands prepared on the server: the rows of one that was prepared before the
// stream's start could not be followed. After patience (0: one look) it returns *PreparedXA.
func AwaitNoPreparedXA(ctx context.Context, q conn.Querier, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		rows, err := queryRows(ctx, q, "XA RECOVER")
		if err != nil {
			return fmt.Errorf("look for prepared XA transactions: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			e := &PreparedXA{}
			for _, r := range rows {
				e.XIDs = append(e.XIDs, xid(r))
			}
			return e
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

// xid writes a row of XA RECOVER as XA COMMIT takes it: gtrid, bqual, format; in hexadecimal what is not plain text.
func xid(row map[string]string) string {
	length, err := strconv.Atoi(row["gtrid_length"])
	data := row["data"]
	if err != nil || length > len(data) {
		return xidPart(data)
	}
	return fmt.Sprintf("%s,%s,%s", xidPart(data[:length]), xidPart(data[length:]), row["formatID"])
}

func xidPart(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '\'' || s[i] == '\\' {
			return "X'" + hex.EncodeToString([]byte(s)) + "'"
		}
	}
	return "'" + s + "'"
}
