package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/table"
)

// target names a migrated table.
type target struct {
	connection

	Database string `required:"" placeholder:"NAME" help:"Schema of the table." group:"What"`
	Table    string `required:"" placeholder:"NAME" help:"Table that is or was being migrated." group:"What"`
}

func (t *target) name() table.Name { return table.Name{Schema: t.Database, Table: t.Table} }

// statusCommand are the flags of midstream status.
type statusCommand struct{ target }

// Run executes the command.
func (s *statusCommand) Run(ctx context.Context) error {
	c, err := s.config()
	if err != nil {
		return &migrate.Refusal{Err: err}
	}
	text, err := migrate.Checkpoint(ctx, c, s.name())
	if err != nil {
		return err
	}
	fmt.Print(text)
	return nil
}

// cleanupCommand are the flags of midstream cleanup.
type cleanupCommand struct {
	target

	Yes bool `help:"Do not ask." group:"What"`
}

// Run executes the command.
func (c *cleanupCommand) Run(ctx context.Context) error {
	server, err := c.config()
	if err != nil {
		return &migrate.Refusal{Err: err}
	}
	if err := migrate.Abandon(ctx, server, c.name(), func(tables []table.Name) bool { return c.confirm(ctx, tables) }); err != nil {
		return err
	}
	fmt.Printf("What the migration of %s had left is removed.\n", c.name())
	return nil
}

// confirm asks before the tables are dropped; ctx's end is a no.
func (c *cleanupCommand) confirm(ctx context.Context, tables []table.Name) bool {
	if c.Yes {
		return true
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.String()
	}
	fmt.Fprintf(os.Stderr, "Drop %s, as far as they are there? [y/N] ", strings.Join(names, ", "))
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer is no
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answered:
		return answer == "y" || answer == "yes"
	case <-ctx.Done():
		return false
	}
}
