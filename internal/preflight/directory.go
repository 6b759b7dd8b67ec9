package preflight

import (
	"fmt"
	"regexp"
	"strings"
)

// quoted is what stands in quotes in a CREATE statement, as sessions of conn.Open see it.
var quoted = regexp.MustCompile("(?s)'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")

// directoryFindings refuses a table that the server keeps in a directory of its own, if the shadow, which is created LIKE it,
// would not be there: the option of a table is lost so, and on MariaDB that of a partition as well.
func directoryFindings(in *inspection) []finding {
	create := quoted.ReplaceAllString(in.source.CreateSQL, "")
	if !strings.Contains(create, " DATA DIRECTORY=") && !(in.Server.IsMariaDB() && strings.Contains(create, " DATA DIRECTORY = ")) {
		return nil
	}
	return []finding{in.againstCopy(fmt.Sprintf("%s has a DATA DIRECTORY: the new table would be in the one of the database", in.Names.Source), "use the server's own ALTER TABLE")}
}
