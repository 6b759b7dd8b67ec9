package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// lookalikes speak the protocol and give a version of MySQL, and have neither its binary log nor its locks.
var lookalikes = []string{"TiDB", "Vitess", "Dolt", "OceanBase", "SingleStore", "MemSQL", "StarRocks", "Doris", "Readyset", "ProxySQL"}

// checkServer refuses servers whose locks, log or versions Midstream does not know.
func checkServer(_ context.Context, in *inspection) ([]finding, error) {
	return serverFindings(in.Server, in.global), nil
}

func serverFindings(s *conn.Server, global variables) []finding {
	said := s.Text + " " + global["version_comment"]
	for _, name := range lookalikes {
		if strings.Contains(strings.ToLower(said), strings.ToLower(name)) {
			return []finding{fail(fmt.Sprintf("the server is %s (%s), which is not supported", name, s.Text),
				"use MySQL or Percona Server 8.0.17 or later, or MariaDB 10.6 or later")}
		}
	}
	var found []finding
	if s.IsMariaDB() && !s.Version.AtLeast(10, 6, 0) {
		found = append(found, fail(fmt.Sprintf("the server is %s: too old", s), "use MariaDB 10.6 or later"))
	}
	if !s.IsMariaDB() && !s.Version.AtLeast(8, 0, 17) {
		found = append(found, fail(fmt.Sprintf("the server is %s: too old", s), "use MySQL or Percona Server 8.0.17 or later"))
	}
	if global.on("wsrep_on") {
		found = append(found, fail("the server is a node of a Galera cluster (wsrep_on=ON), where table locks hold on one node only",
			"use the cluster's own way of changing a schema (wsrep_OSU_method)"))
	}
	if global.off("group_replication_single_primary_mode") && global["group_replication_group_name"] != "" {
		found = append(found, fail("the server belongs to a replication group with several primaries, where table locks hold on one of them only",
			"SELECT group_replication_switch_to_single_primary_mode()"))
	}
	if version, aurora := global["aurora_version"]; aurora {
		found = append(found, note(fmt.Sprintf("the server is Aurora %s, on which Midstream was not tested", version), ""))
	}
	return found
}
