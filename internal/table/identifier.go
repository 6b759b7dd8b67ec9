package table

import "strings"

// SameIdentifier compares column and index names as the servers do: without regard to case.
func SameIdentifier(a, b string) bool { return strings.EqualFold(a, b) }
