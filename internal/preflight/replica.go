package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkReplica refuses a server that replicates from another one: what is changed here only sets the two apart. Where it
// is allowed, what comes from the source must stand in this server's log.
func checkReplica(ctx context.Context, in *inspection) ([]finding, error) {
	rows, err := queryRows(ctx, in.DB, replicaStatus(in.Server))
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, r := range rows {
		channel := first(r, "Channel_Name", "Connection_name")
		if strings.HasPrefix(channel, "group_replication_") {
			continue // the group's own; secondaries are read only
		}
		from := fmt.Sprintf("%s:%s", first(r, "Source_Host", "Master_Host"), first(r, "Source_Port", "Master_Port"))
		if in.AllowReplica {
			found = append(found, note(fmt.Sprintf("the server is a replica of %s, as allowed: the table changes here and on this server's replicas only", from), ""))
			continue
		}
		found = append(found, fail(fmt.Sprintf("the server is a replica of %s: the table would change here and not there", from),
			fmt.Sprintf("migrate on %s; or allow it with --allow-replica; or, if this is no replica any more: %s", from, forgetSource(in.Server, channel))))
	}
	if len(found) > 0 && in.AllowReplica && (in.global.off("log_replica_updates") || in.global.off("log_slave_updates")) {
		found = append(found, fail("log_replica_updates (log_slave_updates) is OFF: changes that come from the source are not in this replica's binary log",
			"start the replica with it ON, or migrate on the source"))
	}
	return found, nil
}

func replicaStatus(s *conn.Server) string {
	switch {
	case s.IsMariaDB():
		return "SHOW ALL SLAVES STATUS"
	case s.Version.AtLeast(8, 0, 22):
		return "SHOW REPLICA STATUS"
	default:
		return "SHOW SLAVE STATUS"
	}
}

// forgetSource is the statement by which a server stops being a replica of that channel's source; "" is the unnamed channel.
func forgetSource(s *conn.Server, channel string) string {
	name := "'" + strings.ReplaceAll(channel, "'", "''") + "'"
	switch {
	case s.IsMariaDB():
		return "RESET SLAVE " + name + " ALL"
	case s.Version.AtLeast(8, 0, 22):
		return "RESET REPLICA ALL FOR CHANNEL " + name
	default:
		return "RESET SLAVE ALL FOR CHANNEL " + name
	}
}

// first returns the value of the first of these columns that the row has.
func first(row map[string]string, columns ...string) string {
	for _, c := range columns {
		if v, ok := row[c]; ok {
			return v
		}
	}
	return ""
}
