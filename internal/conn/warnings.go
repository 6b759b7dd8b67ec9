package conn

import (
	"context"
	"fmt"
	"slices"
)

// Warning is what the server says about a statement that it carried out.
type Warning struct {
	Level   string // Note, Warning or Error
	Code    uint16
	Message string
}

// notShown is the code of the warning that stands for those which the server counted and does not show.
const notShown = 0

// Warnings returns what the session's last statement was warned of. It asks for the texts only if there are any. Those beyond
// the session's max_error_count have no text: one warning more stands for them, and counts as one about a value.
func Warnings(ctx context.Context, q Querier) ([]Warning, error) {
	var count int
	if err := q.QueryRowContext(ctx, `SHOW COUNT(*) WARNINGS`).Scan(&count); err != nil {
		return nil, fmt.Errorf("count warnings: %w", err)
	}
	if count == 0 {
		return nil, nil
	}
	rows, err := q.QueryContext(ctx, `SHOW WARNINGS`)
	if err != nil {
		return nil, fmt.Errorf("read warnings: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	var warnings []Warning
	for rows.Next() {
		var w Warning
		if err := rows.Scan(&w.Level, &w.Code, &w.Message); err != nil {
			return nil, fmt.Errorf("read warnings: %w", err)
		}
		warnings = append(warnings, w)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read warnings: %w", err)
	}
	if hidden := count - len(warnings); hidden > 0 {
		warnings = append(warnings, Warning{Level: "Warning", Code: notShown, Message: fmt.Sprintf("%d warnings that the server does not show", hidden)})
	}
	return warnings, nil
}

// badValue are the numbers of errors and warnings about one row's values: cut, out of range, not readable as the type,
// NULL, or against a CHECK.
var badValue = []uint16{
	1048, 1261, 1263, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1416, 1441, 1525, 1690, 1916, 1977,
	3037, 3140, 3141, 3150, 3155, 3156, 3157, 3751, 3819, 3854, 3903, 4025, 4079,
}

// IsBadValue says whether a value of a row was refused. The message names the column or the constraint.
func IsBadValue(err error) bool { return isNumber(err, badValue...) }

// ChangesValue says whether a value was not stored as it was given. Notes do not count: they tell of conversions that
// the column's type asks for, such as rounding, and that an ALTER TABLE would make as well.
func (w Warning) ChangesValue() bool {
	return w.Code == notShown || w.Level != "Note" && slices.Contains(badValue, w.Code)
}
