package conn

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// XID is the name of an XA transaction.
type XID struct {
	Global, Branch string // their bytes
	Format         uint32
}

// String writes the name as XA COMMIT takes it; in hexadecimal what is not plain text.
func (x XID) String() string {
	return fmt.Sprintf("%s,%s,%d", xidPart(x.Global), xidPart(x.Branch), x.Format)
}

func xidPart(s string) string {
	odd := strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' || r == '\\' })
	if odd {
		return "X'" + hex.EncodeToString([]byte(s)) + "'"
	}
	return "'" + s + "'"
}

// XIDs are the names of several.
type XIDs []XID

// String lists them, of many the first.
func (x XIDs) String() string {
	const most = 10
	var names []string
	for _, id := range x[:min(most, len(x))] {
		names = append(names, id.String())
	}
	if more := len(x) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

// PreparedXA returns the XA transactions that stand prepared on the server; one that is being committed or rolled back is among
// them until that is done, for everybody to see. MySQL refuses without the privilege XA_RECOVER_ADMIN.
func PreparedXA(ctx context.Context, q Querier) (prepared XIDs, err error) {
	rows, err := q.QueryContext(ctx, `XA RECOVER`)
	if err != nil {
		return nil, fmt.Errorf("list prepared XA transactions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var format int64
		var global, branch int
		var data string
		if err := rows.Scan(&format, &global, &branch, &data); err != nil {
			return nil, fmt.Errorf("read prepared XA transaction: %w", err)
		}
		if global+branch != len(data) {
			return nil, fmt.Errorf("read prepared XA transaction: %d bytes for a name of %d and %d", len(data), global, branch)
		}
		prepared = append(prepared, XID{Global: data[:global], Branch: data[global:], Format: uint32(format)})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list prepared XA transactions: %w", err)
	}
	return prepared, nil
}
