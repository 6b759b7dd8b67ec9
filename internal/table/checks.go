package table

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// CheckName is what a CHECK constraint of the source is called in the shadow, and when the shadow has the source's name. On
// MySQL the names are unique in a schema, so the shadow's are others; a RENAME of a table renames those that the server has
// made from the table's name.
type CheckName struct {
	Source, Shadow, Swapped string
}

// Kept says whether the constraint has its name again after the swap.
func (c *CheckName) Kept() bool { return c.Source == c.Swapped }

const (
	otherName  = "__new"
	generated  = "_chk_" // between a table's name and a number
	longestTry = 8
)

// CheckNames returns the names for the source's CHECK constraints, on a server where they are unique in a schema. Names that
// the server made (t_chk_1) follow the shadow's. Those that a user chose get the suffix __new, or lose it: so the next
// migration gives back the name. Those of others, the constraints of the schema's other tables, are not used.
func CheckNames(source *Table, shadow Name, others []string) []CheckName {
	used := make(map[string]bool, len(source.Checks)+len(others))
	for _, name := range others {
		used[strings.ToLower(name)] = true
	}
	for _, c := range source.Checks {
		used[strings.ToLower(c.Name)] = true
	}
	names := make([]CheckName, len(source.Checks))
	for i, c := range source.Checks {
		if number, is := generatedNumber(source.Name.Table, c.Name); is {
			names[i] = CheckName{c.Name, shadow.Table + generated + number, c.Name}
			continue
		}
		free := freeName(c.Name, used)
		used[strings.ToLower(free)] = true
		names[i] = CheckName{c.Name, free, free}
	}
	return names
}

var number = regexp.MustCompile(`^[1-9][0-9]*$`)

func generatedNumber(table, constraint string) (digits string, is bool) {
	digits, is = strings.CutPrefix(constraint, table+generated)
	return digits, is && number.MatchString(digits)
}

// freeName returns a name like this one that is not used yet.
func freeName(name string, used map[string]bool) string {
	free, had := strings.CutSuffix(name, otherName)
	if !had || free == "" || used[strings.ToLower(free)] {
		free = derived(Name{Table: name}, otherName).Table
	}
	for range longestTry {
		if !used[strings.ToLower(free)] {
			break
		}
		free = derived(Name{Table: free}, otherName).Table
	}
	return free
}

// TooLong returns the first name that the server would have to make from the shadow's or the retired table's, and could not,
// for it would be too long; "" if there is none. To make the shadow LIKE the source it numbers all constraints.
func TooLong(checks []CheckName, names Names) string {
	for i, c := range checks {
		made := []string{fmt.Sprint(names.Shadow.Table, generated, i+1)}
		if number, is := generatedNumber(names.Source.Table, c.Source); is {
			made = append(made, c.Shadow, names.Retired.Table+generated+number)
		}
		for _, name := range made {
			if len([]rune(name)) > maxNameLength {
				return name
			}
		}
	}
	return ""
}

// shownCheck is a CHECK constraint as MySQL shows it in a CREATE statement.
var shownCheck = regexp.MustCompile("(?m)^  CONSTRAINT (`(?:[^`]|``)+`) (CHECK \\(.*?),?$")

// RenameChecks returns the statements that give the CHECK constraints of a table like the source the names for the shadow;
// none if they have them, or no names are given. Both tables are as sessions of conn.Open see them. An error says that they are not shown as expected.
func RenameChecks(source, like *Table, names []CheckName) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted := make(map[string]string, len(names))
	for _, n := range names {
		wanted[Quote(n.Source)] = Quote(n.Shadow)
	}
	var drops, adds, shall, have []string
	for _, m := range shownCheck.FindAllStringSubmatch(source.CreateSQL, -1) {
		shall = append(shall, wanted[m[1]]+" "+m[2])
		adds = append(adds, "ADD CONSTRAINT "+wanted[m[1]]+" "+m[2])
	}
	for _, m := range shownCheck.FindAllStringSubmatch(like.CreateSQL, -1) {
		have = append(have, m[1]+" "+m[2])
		drops = append(drops, "DROP CHECK "+m[1])
	}
	if len(adds) != len(names) || len(drops) != len(names) {
		return nil, fmt.Errorf("name the CHECK constraints of %s: %d are known, %d shown, and %d of %s", like.Name, len(names), len(adds), len(drops), source.Name)
	}
	slices.Sort(shall)
	slices.Sort(have)
	if slices.Equal(shall, have) {
		return nil, nil
	}
	alter := "ALTER TABLE " + like.Name.String() + " "
	return []string{alter + strings.Join(drops, ", "), alter + strings.Join(adds, ", ")}, nil
}
