// Package migrate tells the story of a migration: its phases, one after the other, and the services that run beside them.
package migrate

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// Config says what to migrate and how. Validate fills in nothing: the zero value of a field is what it says.
type Config struct {
	Conn     conn.Config
	Database string
	Table    string
	Alter    string // the clauses, or the whole ALTER TABLE statement

	Apply            Apply
	Native           Native
	DeferIndexes     Defer
	Workers          int           // that apply at once; 1: serial; 0: as many as bring most, which is measured
	CopyWorkers      int           // that copy at once; 0: likewise
	ChunkTime        time.Duration // target time of a chunk
	ChunkSize        uint64        // rows of a chunk, at most a million; 0: by ChunkTime
	LockTimeout      time.Duration // of each cut-over attempt, in whole seconds
	MaxStall         time.Duration // predicted stall above which the cut-over is not tried
	ReconnectTimeout time.Duration
	Verify           bool // both tables are compared before the swap
	Heartbeat        time.Duration
	Checkpoint       time.Duration // between two checkpoints
	ReplicaServerID  uint32        // 0: a free one is chosen

	ThrottleFile  string // copying and applying pause while it exists; "" for none
	PostponeFile  string // the cut-over waits while it exists; "" for none
	AllowReplica  bool
	AllowLossy    []string // columns in which values may become what an ALTER makes of them in a mode that is not strict
	AllowRenamed  bool     // CHECK constraints whose names a user chose may get others
	DropOldTable  bool
	TimestampName bool // the retired table's name carries the time of the start
	Restart       bool // what an earlier run has left is dropped, instead of going on from it
	DryRun        bool

	Tool string // version of the program, for the checkpoint
	Log  *slog.Logger
	// Plan is where a dry run writes the plan; only a dry run needs it.
	Plan io.Writer
}

// Apply is the way in which changes reach the shadow.
type Apply string

// Replay writes row images in the order of the source's logical clock.
const Replay Apply = "replay"

// Refresh writes rows from the source, by the keys that stand in the log, and copies without locking rows.
const Refresh Apply = "refresh"

// Native says whether the server's own DDL may do the migration.
type Native string

const (
	NativeOff  Native = "off"  // rows are always copied
	NativeAuto Native = "auto" // what the server can do as INSTANT or by its metadata alone, it does
	NativeOnly Native = "only" // and nothing else is done
)

// Validate returns a Refusal for the first field that makes no sense.
func (c *Config) Validate() error {
	for _, rule := range []struct {
		wrong bool
		what  string
	}{
		{c.Database == "", "--database is missing"},
		{c.Table == "", "--table is missing"},
		{c.Alter == "", "--alter (or --alter-file) is missing or empty"},
		{c.Apply != Replay && c.Apply != Refresh, fmt.Sprintf("--apply=%s is not known: use replay or refresh", c.Apply)},
		{c.Native != NativeOff && c.Native != NativeAuto && c.Native != NativeOnly, fmt.Sprintf("--native=%s is not known: use auto, only or off", c.Native)},
		{c.DeferIndexes != DeferOff && c.DeferIndexes != DeferOn && c.DeferIndexes != DeferAuto, fmt.Sprintf("--defer-indexes=%s is not known: use auto, on or off", c.DeferIndexes)},
		{c.Workers < 0 || c.Workers > 256, "--num-workers must be from 1 to 256"},
		{c.CopyWorkers < 0 || c.CopyWorkers > 256, "--copy-workers must be from 1 to 256"},
		{c.ChunkTime < time.Millisecond || c.ChunkTime > 10*time.Second, "--chunk-time must be from 1ms to 10s"},
		{c.ChunkSize > 1_000_000, "--chunk-size must be at most 1000000"},
		{c.LockTimeout < time.Second || c.LockTimeout > time.Minute, "--cut-over-lock-timeout-seconds must be from 1 to 60"},
		{c.Heartbeat < 10*time.Millisecond || c.Heartbeat > 10*time.Second, "--heartbeat-interval-millis must be from 10 to 10000"},
		{c.Checkpoint < 100*time.Millisecond || c.Checkpoint > 10*time.Minute, "--checkpoint-interval must be from 100ms to 10m"},
		{c.MaxStall < time.Millisecond, "--max-stall must be at least 1ms"},
		{c.ReconnectTimeout < 0, "--reconnect-timeout must not be negative"},
	} {
		if rule.wrong {
			return &Refusal{Err: errors.New(rule.what)}
		}
	}
	return nil
}
