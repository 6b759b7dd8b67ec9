package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
)

// migrateCommand are the flags of midstream migrate. Where the concept is gh-ost's, so is the name.
type migrateCommand struct {
	connection

	Database  string `required:"" placeholder:"NAME" help:"Schema of the table." group:"What"`
	Table     string `required:"" placeholder:"NAME" help:"Table to migrate." group:"What"`
	Alter     string `placeholder:"TEXT" xor:"alter" required:"" help:"The clauses of the ALTER TABLE statement, or the whole statement." group:"What"`
	AlterFile string `placeholder:"PATH" xor:"alter" required:"" type:"existingfile" help:"File that holds what --alter would." group:"What"`
	DryRun    bool   `help:"Show the plan and leave everything as it was. Unless --native=off, empty tables are made to ask the server which way it would be, and dropped." group:"What"`

	Apply        string        `default:"refresh" enum:"refresh,replay" help:"How changes reach the new table: ${enum}; replay also where refresh cannot work." group:"How"`
	Native       string        `default:"auto" enum:"auto,only,off" help:"Whether the server alters the table itself, where it can as INSTANT or by its metadata alone: ${enum}." group:"How"`
	DeferIndexes string        `default:"auto" enum:"auto,on,off" help:"Whether secondary indexes that are not unique are built at once, when all rows are copied: ${enum}; auto: on, unless the table is small or somebody reads the binary log, as replicas do, which would lag behind." group:"How"`
	AllowLossy   []string      `placeholder:"COLUMN" help:"Columns (a,b) whose values may be cut, rounded or replaced where the new type cannot hold them, as by an ALTER TABLE in a mode that is not strict." group:"How"`
	Verify       string        `default:"on" enum:"on,off" help:"Whether all rows of both tables are compared before the swap: ${enum}." group:"How"`
	NumWorkers   workers       `default:"auto" placeholder:"N" help:"Sessions that apply changes at once; 1 is serial replay; auto: as many as bring most, which is measured." group:"How"`
	CopyWorkers  workers       `default:"auto" placeholder:"N" help:"Sessions that copy rows at once; auto: as many as bring most and the application bears, which is measured." group:"How"`
	ChunkTime    time.Duration `default:"100ms" help:"Time that copying one chunk shall take, a quarter of it while the application writes; its size is adapted." group:"How"`
	ChunkSize    uint64        `placeholder:"ROWS" help:"Fixed number of rows in a chunk, up to a million, in place of --chunk-time." group:"How"`

	ReplicaServerID         uint32        `placeholder:"ID" help:"Server id under which the binary log is read; by default a random one for each connection." group:"How"`
	HeartbeatIntervalMillis int           `default:"100" placeholder:"MS" help:"Interval of the heartbeats that measure lag (default ${default})." group:"How"`
	CheckpointInterval      time.Duration `default:"5s" help:"Time between two checkpoints, from which the same command goes on after a crash." group:"How"`
	Restart                 bool          `help:"Drop what an earlier run of this migration has left, instead of going on from it." group:"How"`
	ReconnectTimeout        time.Duration `default:"10m" help:"How long lost connections are tried again." group:"How"`
	AllowReplica            bool          `help:"Migrate on a server that is itself a replica." group:"How"`
	AllowRenamedConstraints bool          `help:"CHECK constraints with names of your own get others, which the plan shows, where names are unique in the schema (MySQL)." group:"How"`

	ThrottleFlagFile          string        `placeholder:"PATH" help:"Copying and applying pause while this file exists." group:"Control"`
	PostponeCutOverFlagFile   string        `placeholder:"PATH" help:"The cut-over waits while this file exists." group:"Control"`
	CutOverLockTimeoutSeconds int           `default:"3" placeholder:"S" help:"How long one attempt of the cut-over waits for the table lock (default ${default})." group:"Control"`
	MaxStall                  time.Duration `default:"500ms" help:"The cut-over is not tried while the stall it would cause is predicted to be longer." group:"Control"`
	DropOldTable              bool          `help:"Drop the retired table after the cut-over." group:"Control"`
	TimestampOldTable         bool          `help:"Put the time into the name of the retired table." group:"Control"`

	LogFormat string `default:"text" enum:"text,json" help:"Form of the log lines: text or json." group:"Output"`
	Progress  string `default:"auto" enum:"auto,live,log" help:"What is shown while running: a live view, log lines, or auto: live on a terminal, else log." group:"Output"`
}

// workers is a number of sessions, 0 for auto.
type workers int

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *workers) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*w = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%q is neither a number from 1 on nor auto", text)
	}
	*w = workers(n)
	return nil
}

// Run executes the command.
func (m *migrateCommand) Run(ctx context.Context) error {
	cfg, err := m.config()
	if err != nil {
		return &migrate.Refusal{Err: err}
	}
	if m.live() {
		return runLive(ctx, cfg)
	}
	return runLogged(ctx, cfg, m.logger())
}

func (m *migrateCommand) live() bool {
	return !m.DryRun && (m.Progress == "live" || m.Progress == "auto" && term.IsTerminal(int(os.Stdout.Fd())))
}

func (m *migrateCommand) logger() *slog.Logger {
	if m.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// config turns the flags into the migration's configuration.
func (m *migrateCommand) config() (migrate.Config, error) {
	connection, err := m.connection.config()
	if err != nil {
		return migrate.Config{}, err
	}
	alter, err := m.alter()
	if err != nil {
		return migrate.Config{}, err
	}
	return migrate.Config{
		Conn:             connection,
		Database:         m.Database,
		Table:            m.Table,
		Alter:            alter,
		Apply:            migrate.Apply(m.Apply),
		Native:           migrate.Native(m.Native),
		DeferIndexes:     migrate.Defer(m.DeferIndexes),
		Verify:           m.Verify == "on",
		Workers:          int(m.NumWorkers),
		CopyWorkers:      int(m.CopyWorkers),
		ChunkTime:        m.ChunkTime,
		ChunkSize:        m.ChunkSize,
		LockTimeout:      time.Duration(m.CutOverLockTimeoutSeconds) * time.Second,
		MaxStall:         m.MaxStall,
		ReconnectTimeout: m.ReconnectTimeout,
		Checkpoint:       m.CheckpointInterval,
		Restart:          m.Restart,
		Heartbeat:        time.Duration(m.HeartbeatIntervalMillis) * time.Millisecond,
		ReplicaServerID:  m.ReplicaServerID,
		ThrottleFile:     m.ThrottleFlagFile,
		PostponeFile:     m.PostponeCutOverFlagFile,
		AllowReplica:     m.AllowReplica,
		AllowLossy:       m.AllowLossy,
		AllowRenamed:     m.AllowRenamedConstraints,
		DropOldTable:     m.DropOldTable,
		TimestampName:    m.TimestampOldTable,
		DryRun:           m.DryRun,
	}, nil
}

func (m *migrateCommand) alter() (string, error) {
	if m.AlterFile == "" {
		return m.Alter, nil
	}
	text, err := os.ReadFile(m.AlterFile)
	if err != nil {
		return "", fmt.Errorf("read --alter-file: %w", err)
	}
	return string(text), nil
}

// connection are the flags that say how to reach the server, named as the mysql client's.
type connection struct {
	Host         string `placeholder:"NAME" help:"Server to connect to (default 127.0.0.1)." group:"Connection"`
	Port         int    `placeholder:"N" help:"Port of the server (default 3306)." group:"Connection"`
	Socket       string `placeholder:"PATH" help:"Unix socket, in place of host and port." group:"Connection"`
	User         string `placeholder:"NAME" help:"User to log in as (default: the name under which you are logged in here)." group:"Connection"`
	Password     string `env:"MIDSTREAM_PASSWORD" placeholder:"TEXT" help:"Password; better given by the environment or a file." group:"Connection"`
	AskPass      bool   `help:"Ask for the password." group:"Connection"`
	DefaultsFile string `placeholder:"PATH" type:"existingfile" help:"Option file with the groups [client] and [midstream]." group:"Connection"`

	SSLMode string `name:"ssl-mode" placeholder:"MODE" help:"DISABLED, PREFERRED (default), REQUIRED, VERIFY_CA or VERIFY_IDENTITY." group:"Connection"`
	SSLCA   string `name:"ssl-ca" placeholder:"PATH" help:"Certificate of the authority that signed the server's." group:"Connection"`
	SSLCert string `name:"ssl-cert" placeholder:"PATH" help:"Client certificate." group:"Connection"`
	SSLKey  string `name:"ssl-key" placeholder:"PATH" help:"Key of the client certificate." group:"Connection"`
}

// config merges flags, option file and defaults.
func (f *connection) config() (conn.Config, error) {
	c := conn.Config{Host: f.Host, Port: f.Port, Socket: f.Socket, User: f.User, Password: f.Password, Run: rand.Text()}
	tls := conn.TLSOptions{Mode: conn.TLSMode(f.SSLMode), CA: f.SSLCA, Cert: f.SSLCert, Key: f.SSLKey}
	if f.DefaultsFile != "" {
		d, err := conn.ReadDefaults(f.DefaultsFile)
		if err != nil {
			return conn.Config{}, err
		}
		d.Fill(&c, &tls)
	}
	if c.User == "" {
		c.User = loginName()
	}
	if c.Socket == "" {
		if c.Host == "" {
			c.Host = "127.0.0.1"
		}
		if c.Port == 0 {
			c.Port = 3306
		}
	}
	if f.AskPass {
		password, err := askPassword()
		if err != nil {
			return conn.Config{}, err
		}
		c.Password = password
	}
	host := c.Host
	if c.Socket != "" {
		host = ""
	}
	var err error
	c.TLS, c.FallbackToPlain, err = tls.Config(host)
	return c, err
}

// loginName is the user whom the mysql client takes when none is given; "" when the system has no name for him.
func loginName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

func askPassword() (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		return "", errors.New("ask for the password: the standard input is no terminal: use MIDSTREAM_PASSWORD or --defaults-file")
	}
	fmt.Fprint(os.Stderr, "Password: ")
	password, err := term.ReadPassword(in)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	return string(password), nil
}
