package main

import (
	"fmt"
	"strings"
)

// ghostFlag is a flag of gh-ost and what takes its place.
type ghostFlag struct {
	name string
	ours string // sameName, notNeeded, notYet, or our flags
	why  string
}

const (
	sameName  = "same name"
	notNeeded = "not needed"
	notYet    = "not yet"
)

// ghostFlags are those of gh-ost 1.1, in the order of its help.
var ghostFlags = []ghostFlag{
	{"host", sameName, "Always the server that takes the writes: rows are copied, and its binary log read, there."},
	{"port", sameName, ""},
	{"user", sameName, ""},
	{"password", sameName, "Also `MIDSTREAM_PASSWORD`."},
	{"ask-pass", sameName, ""},
	{"conf", "`--defaults-file`", "An option file as the mysql client reads it; groups `[client]` and `[midstream]`."},
	{"assume-master-host", notNeeded, "`--host` names the server."},
	{"master-user", notNeeded, "There is one connection target."},
	{"master-password", notNeeded, "There is one connection target."},
	{"mysql-timeout", "`--reconnect-timeout`", "How long lost connections are tried again; the other time-outs are fixed."},
	{"charset", notNeeded, "Rows are copied inside the server; replayed values carry their column's charset."},
	{"ssl", "`--ssl-mode=VERIFY_IDENTITY`", "The modes are the mysql client's. The default, PREFERRED, encrypts where the server can and verifies nothing."},
	{"ssl-ca", sameName, ""},
	{"ssl-cert", sameName, ""},
	{"ssl-key", sameName, ""},
	{"ssl-allow-insecure", "`--ssl-mode=REQUIRED`", "Encrypts without verifying the certificate."},
	{"database", sameName, "Required, also when the statement names it."},
	{"table", sameName, "Required, also when the statement names it."},
	{"alter", sameName, "The clauses or the whole statement; `--alter-file` reads it from a file."},
	{"attempt-instant-ddl", "`--native`", "`auto` is the default; `only` never copies, `off` always does."},
	{"storage-engine", notNeeded, "InnoDB only."},
	{"exact-rowcount", notNeeded, "Progress is shown against the server's estimate; nothing depends on the count."},
	{"concurrent-rowcount", notNeeded, "See `--exact-rowcount`."},
	{"allow-on-master", notNeeded, "It is the usual way."},
	{"allow-master-master", "`--allow-replica`", "Each server of such a pair is a replica. Writes on the other one must not touch the table."},
	{"allow-nullable-unique-key", notNeeded, "A key with nullable columns is refused: a row with NULL in it would be lost."},
	{"approve-renamed-columns", notNeeded, "Renames are read from the statement and checked against both definitions; what is in doubt is refused."},
	{"skip-renamed-columns", notNeeded, "A renamed column always keeps its data. To lose it, drop the column and add another."},
	{"tungsten", notNeeded, "No topology is discovered."},
	{"discard-foreign-keys", notNeeded, "A table with foreign keys is refused; drop them before."},
	{"skip-foreign-key-checks", notNeeded, "The check reads the table's definition only."},
	{"skip-strict-mode", notNeeded, "Writing is always strict: a value that does not fit ends the run and names row and column."},
	{"allow-zero-in-date", notNeeded, "Zero and invalid dates that the source holds are copied as they are."},
	{"aliyun-rds", notNeeded, "No host name is compared."},
	{"gcp", notNeeded, "No host name is compared."},
	{"azure", notNeeded, "No user name is parsed."},
	{"gtid", notNeeded, "GTIDs are used where the server has them, else file and offset."},
	{"execute", notNeeded, "Unlike gh-ost, the command acts; `--dry-run` does not."},
	{"test-on-replica", "`--allow-replica`", "Migrates on the replica for good: nothing is swapped back, and replication goes on."},
	{"test-on-replica-skip-replica-stop", notNeeded, "Replication is never stopped."},
	{"migrate-on-replica", "`--allow-replica`", "The table changes on this replica, and on its own replicas, only."},
	{"ok-to-drop-table", "`--drop-old-table`", "A step of its own after the swap."},
	{"initially-drop-old-table", notNeeded, "Nothing is dropped at the start: the refusal names the statement. `--timestamp-old-table` avoids the conflict."},
	{"initially-drop-ghost-table", notNeeded, "Nothing is dropped at the start: the refusal names the statement."},
	{"timestamp-old-table", sameName, "The time is UTC: `t__old_20060102150405`."},
	{"cut-over", notNeeded, "The way that the server allows is taken; both are atomic."},
	{"force-named-cut-over", notNeeded, "There are no interactive commands."},
	{"force-named-panic", notNeeded, "There are no interactive commands."},
	{"switch-to-rbr", notNeeded, "No global setting is ever changed: the refusal names the statement."},
	{"assume-rbr", notNeeded, "Replication is never restarted."},
	{"cut-over-exponential-backoff", notNeeded, "Pauses between attempts always grow, from 1 s to 5 min."},
	{"exponential-backoff-max-interval", notNeeded, "See `--cut-over-exponential-backoff`."},
	{"chunk-size", sameName, "Without it the size follows `--chunk-time`."},
	{"dml-batch-size", notNeeded, "A batch holds whole transactions, up to 500 row changes; a larger transaction is a batch of its own."},
	{"default-retries", notNeeded, "The numbers are fixed; a lost connection is tried again for `--reconnect-timeout`."},
	{"panic-on-warnings", notNeeded, "It is always so: a value that was changed, or a duplicate in an added unique key, ends the run."},
	{"cut-over-lock-timeout-seconds", sameName, "How long an attempt waits for the lock. How long it may hold it follows from `--max-stall`."},
	{"nice-ratio", notYet, "Fewer `--copy-workers`, a shorter `--chunk-time` or `--throttle-flag-file` slow the copy down."},
	{"max-lag-millis", notYet, "Throttling by replica lag is not built: watch the replicas and use `--throttle-flag-file`."},
	{"replication-lag-query", notYet, "See `--max-lag-millis`."},
	{"throttle-control-replicas", notYet, "See `--max-lag-millis`."},
	{"throttle-query", notYet, "Have a script set `--throttle-flag-file`."},
	{"throttle-http", notYet, "Have a script set `--throttle-flag-file`."},
	{"throttle-http-interval-millis", notYet, "See `--throttle-http`."},
	{"throttle-http-timeout-millis", notYet, "See `--throttle-http`."},
	{"ignore-http-errors", notYet, "See `--throttle-http`."},
	{"heartbeat-interval-millis", sameName, ""},
	{"throttle-flag-file", sameName, "Holds back copying and applying, and so the cut-over."},
	{"throttle-additional-flag-file", notNeeded, "Several runs may be given the same `--throttle-flag-file`."},
	{"postpone-cut-over-flag-file", sameName, "It is not created: without the file the cut-over follows at once."},
	{"panic-flag-file", notNeeded, "SIGINT, SIGTERM and SIGHUP end the run cleanly, with exit code 1."},
	{"initially-drop-socket-file", notNeeded, "There is no socket."},
	{"serve-socket-file", notYet, "Control of a run under way is not built."},
	{"serve-tcp-port", notYet, "Control of a run under way is not built."},
	{"hooks-path", notYet, "Hooks are not built: use the exit code and the log lines."},
	{"hooks-hint", notYet, "See `--hooks-path`."},
	{"hooks-hint-owner", notYet, "See `--hooks-path`."},
	{"hooks-hint-token", notYet, "See `--hooks-path`."},
	{"hooks-status-interval", notYet, "See `--hooks-path`."},
	{"replica-server-id", sameName, "Without it a random id, another one for each connection."},
	{"allow-setup-metadata-lock-instruments", notNeeded, "That the table locks are held is proven by statements, without instruments."},
	{"binlogsyncer-max-reconnect-attempts", "`--reconnect-timeout`", "A time, not a number of attempts."},
	{"include-triggers", notYet, "A table with triggers is refused."},
	{"trigger-suffix", notYet, "See `--include-triggers`."},
	{"remove-trigger-suffix-if-exists", notYet, "See `--include-triggers`."},
	{"skip-port-validation", notNeeded, "The port is not compared with the server's own."},
	{"max-load", notYet, "Throttling by load is not built: use `--throttle-flag-file`."},
	{"critical-load", notYet, "See `--max-load`."},
	{"critical-load-interval-millis", notYet, "See `--max-load`."},
	{"critical-load-hibernate-seconds", notYet, "See `--max-load`."},
	{"checkpoint", notNeeded, "Checkpoints are always written."},
	{"checkpoint-seconds", "`--checkpoint-interval`", "A duration."},
	{"resume", notNeeded, "The same command goes on; `--restart` begins anew."},
	{"revert", notYet, "The retired table is kept as it was at the swap; later changes are not carried back to it."},
	{"quiet", "`--progress`", "`--progress=log` writes log lines to standard error, the summary to standard output."},
	{"verbose", notNeeded, "There is one level of detail."},
	{"debug", notNeeded, "There is one level of detail."},
	{"stack", notNeeded, "Errors name the objects instead."},
	{"help", sameName, ""},
	{"version", sameName, ""},
	{"check-flag", notNeeded, "An unknown flag is refused with exit code 2 before anything is done."},
	{"force-table-names", notNeeded, "The names follow from the table's: `t__new`, `t__old`, `t__changelog`; a long one is shortened with a hash."},
}

func writeGhostTable(b *strings.Builder) {
	fmt.Fprint(b, `
## For users of gh-ost

Where the concept is gh-ost's, so is the flag's name. Unlike gh-ost, the command acts; `+"`--dry-run`"+` does not. The shadow
table is `+"`t__new`"+` (gh-ost: `+"`_t_gho`"+`), the retired table `+"`t__old`"+` (`+"`_t_del`"+`), the changelog `+"`t__changelog`"+` (`+"`_t_ghc`"+`).
"Not yet" is what Midstream has no counterpart for today.

| gh-ost | midstream | why, or what differs |
|---|---|---|
`)
	for _, g := range ghostFlags {
		fmt.Fprintf(b, "| `--%s` | %s | %s |\n", g.name, g.ours, g.why)
	}
}
