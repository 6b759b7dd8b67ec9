package preflight

import "context"

// checkReadOnly refuses a server that takes no writes, from anybody or from this user.
func checkReadOnly(_ context.Context, in *inspection) ([]finding, error) {
	return readOnlyFindings(in.global, in.session, in.grants), nil
}

func readOnlyFindings(global, session variables, g grants) []finding {
	const sourceOnly = "migrate on the server that takes the writes"
	for _, name := range []string{"innodb_read_only", "super_read_only"} {
		if global.on(name) {
			return []finding{fail(name+" is ON: nobody can write on this server", sourceOnly)}
		}
	}
	if value, exists := global["read_only"]; exists && !global.off("read_only") {
		if !g.writesWhenReadOnly() {
			return []finding{fail("read_only is "+value+" and the user has no right to write all the same", sourceOnly)}
		}
		return []finding{warn("read_only is "+value+": the user may write all the same, but is this the server that takes the writes?", sourceOnly)}
	}
	for _, name := range []string{"transaction_read_only", "tx_read_only"} {
		if session.on(name) {
			return []finding{fail(name+" is ON in new sessions: their transactions cannot write", "SET GLOBAL "+name+" = OFF")}
		}
	}
	return nil
}
