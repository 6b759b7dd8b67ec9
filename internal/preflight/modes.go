package preflight

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// checkModes refuses a table whose expressions the application's sessions, where they set nothing themselves, compute
// otherwise than ours: docs/safety.md, "What the user did not name is kept".
func checkModes(_ context.Context, in *inspection) ([]finding, error) {
	if in.Server.IsMariaDB() { // stored expressions have a mode of their own there
		return nil, nil
	}
	tables := []*table.Table{in.source}
	if m := in.outcome.Mapping; m != nil {
		tables = append(tables, m.Shadow)
	}
	return modeFindings(in.global["sql_mode"], in.Names.Source, tables...), nil
}

// CheckModes is the check of a shadow that exists: an ALTER that could not be tried on a temporary table is judged by it. modes
// are the server's.
func CheckModes(modes string, source, shadow *table.Table) error {
	var refusals []error
	for _, f := range modeFindings(modes, source.Name, source, shadow) {
		refusals = append(refusals, fmt.Errorf("%s: %s", f.Text, f.Fix))
	}
	return errors.Join(refusals...)
}

// modeFindings are those about a table, before and after the ALTER.
func modeFindings(modes string, name table.Name, tables ...*table.Table) []finding {
	var found []finding
	for _, mode := range strings.Split(modes, ",") {
		counts, ok := map[string]func(*table.Table) bool{"NO_BACKSLASH_ESCAPES": hasBackslash, "PAD_CHAR_TO_FULL_LENGTH": hasChar}[mode]
		if ok && slices.ContainsFunc(tables, func(t *table.Table) bool { return computes(t) && counts(t) }) {
			found = append(found, fail(fmt.Sprintf("sql_mode is %s for sessions that set nothing: what %s computes may come out otherwise in those of Midstream, which cannot have that mode", mode, name),
				fmt.Sprintf("SET GLOBAL sql_mode = '%s', if the application's sessions do not rely on it, or drop the table's expressions first", without(modes, mode))))
		}
	}
	return found
}

func without(modes, mode string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(modes, ","), func(m string) bool { return m == mode }), ",")
}

// partsOrChecks finds the expressions that only the CREATE statement tells of a temporary table.
var partsOrChecks = regexp.MustCompile(` CHECK \(|\bPARTITION BY `)

// computes says whether the table has expressions.
func computes(t *table.Table) bool {
	generated := func(c table.Column) bool {
		return c.Generation != table.NotGenerated || strings.Contains(c.Extra, "DEFAULT_GENERATED") && c.Default != nil && !strings.HasPrefix(*c.Default, "CURRENT_TIMESTAMP")
	}
	functional := func(k table.Key) bool {
		return slices.ContainsFunc(k.Parts, func(p table.KeyPart) bool { return p.Expression != "" })
	}
	return partsOrChecks.MatchString(quoted.ReplaceAllString(t.CreateSQL, "")) || slices.ContainsFunc(t.Columns, generated) || slices.ContainsFunc(t.Keys, functional)
}

// hasBackslash says whether a backslash stands anywhere in the definition: not only expressions may hold it.
func hasBackslash(t *table.Table) bool { return strings.Contains(t.CreateSQL, `\`) }

// hasChar says whether there are columns whose values a session may see with spaces at their end.
func hasChar(t *table.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c table.Column) bool { return c.Kind == table.Char })
}
