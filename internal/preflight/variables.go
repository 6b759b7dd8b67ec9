package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// variables are system variables by name; one that the server does not know is missing.
type variables map[string]string

// on says whether the variable exists and is on.
func (v variables) on(name string) bool {
	return strings.EqualFold(v[name], "ON") || v[name] == "1"
}

// off says whether the variable exists and is off.
func (v variables) off(name string) bool {
	value, exists := v[name]
	return exists && (strings.EqualFold(value, "OFF") || value == "0")
}

// other says whether the variable exists and has none of these values.
func (v variables) other(name string, values ...string) bool {
	value, exists := v[name]
	for _, want := range values {
		if strings.EqualFold(value, want) {
			return false
		}
	}
	return exists
}

// number returns the variable's value; 0 where it is missing or not a number.
func (v variables) number(name string) float64 {
	n, err := strconv.ParseFloat(v[name], 64)
	if err != nil {
		return 0
	}
	return n
}

// readVariables reads all variables of a scope, GLOBAL or SESSION.
func readVariables(ctx context.Context, q conn.Querier, scope string) (variables, error) {
	rows, err := queryRows(ctx, q, "SHOW "+scope+" VARIABLES")
	if err != nil {
		return nil, fmt.Errorf("read variables: %w", err)
	}
	all := make(variables, len(rows))
	for _, r := range rows {
		all[strings.ToLower(r["Variable_name"])] = r["Value"]
	}
	return all, nil
}
