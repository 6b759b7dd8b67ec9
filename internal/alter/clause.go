package alter

import (
	"errors"
	"strings"
)

// Why clauses are refused, and the way out.
var (
	errRenameTable = errors.New("the table cannot be renamed by a migration: run RENAME TABLE after it")
	errAlgorithm   = errors.New("ALGORITHM, LOCK, WAIT and NOWAIT are for a native ALTER: leave them out")
	errForeignKey  = errors.New("foreign keys cannot be added or dropped by a migration yet: do it in a native ALTER")
	errPartition   = errors.New("an operation on single partitions would act on the shadow's rows only: run it natively before or after the migration")
	errEngine      = errors.New("a migration works on InnoDB tables only: change the engine natively")
	errTablespace  = errors.New("tablespaces of a shadow table cannot be exchanged: run it natively")
	errOrder       = errors.New("ORDER BY has no effect on InnoDB tables: leave it out")
	errVersioning  = errors.New("system versioning cannot be carried over: change it natively")
	errSecondary   = errors.New("a secondary engine is loaded natively: run it after the migration")
	errUnreadable  = errors.New("no column names where they are expected")
	errConditional = errors.New("a column's name or the clause's verb stands in an executable comment: write it without the comment")
)

// read takes from a clause what its text alone can tell, or refuses it.
func (a *Alter) read(tokens []token) error {
	c := &cursor{tokens: tokens}
	for _, t := range tokens {
		if t.isOne("REFERENCES", "FOREIGN") {
			return errForeignKey
		}
	}
	switch {
	case c.take("CHANGE"):
		return a.readChange(c)
	case c.take("RENAME"):
		return a.readRename(c)
	case c.take("DROP"):
		return a.readDrop(c)
	case c.take("ADD"):
		return readAdd(c)
	case c.peek().isOne("ALTER", "MODIFY"):
		return nil
	}
	return a.readOther(c)
}

// readChange reads CHANGE [COLUMN] [IF EXISTS] old new definition.
func (a *Alter) readChange(c *cursor) error {
	c.take("COLUMN")
	c.takeIfExists()
	from := c.chain()
	to := c.chain()
	return a.addRename(c, from, to)
}

// readRename reads RENAME COLUMN [IF EXISTS] old TO new; other renames are of keys, or of the table.
func (a *Alter) readRename(c *cursor) error {
	if c.peek().isOne("INDEX", "KEY") {
		return nil
	}
	if !c.take("COLUMN") {
		return errRenameTable
	}
	c.takeIfExists()
	from := c.chain()
	if !c.take("TO") {
		return errUnreadable
	}
	return a.addRename(c, from, c.chain())
}

func (a *Alter) addRename(c *cursor, from, to []string) error {
	if len(from) == 0 || len(to) == 0 {
		return errUnreadable
	}
	if c.conditional() {
		return errConditional
	}
	if old, name := from[len(from)-1], to[len(to)-1]; old != name {
		a.Renames[old] = name
	}
	return nil
}

// readDrop reads DROP [COLUMN] [IF EXISTS] name; other things that are dropped are not columns.
func (a *Alter) readDrop(c *cursor) error {
	switch t, next := c.peek(), c.look(1); {
	case t.is("PARTITION"):
		return errPartition
	case t.is("SYSTEM") && next.is("VERSIONING"), t.is("PERIOD") && next.is("FOR"):
		return errVersioning
	case t.isOne("INDEX", "KEY", "PRIMARY", "CONSTRAINT", "CHECK"):
		return nil
	}
	c.take("COLUMN")
	c.takeIfExists()
	name := c.chain()
	if len(name) == 0 {
		return errUnreadable
	}
	if c.conditional() {
		return errConditional
	}
	a.Drops = append(a.Drops, name[len(name)-1])
	return nil
}

func readAdd(c *cursor) error {
	switch t, next := c.peek(), c.look(1); {
	case t.is("PARTITION"):
		return errPartition
	case t.is("SYSTEM") && next.is("VERSIONING"), t.is("PERIOD") && next.is("FOR"):
		return errVersioning
	}
	return nil
}

// readOther reads clauses that are neither of columns nor of keys: operations of one word or two, and table options.
func (a *Alter) readOther(c *cursor) error {
	switch t, next := c.peek(), c.look(1); {
	case t.isOne("ALGORITHM", "LOCK", "WAIT", "NOWAIT"):
		return errAlgorithm
	case t.is("ORDER"):
		return errOrder
	case t.isOne("DISCARD", "IMPORT"):
		return errTablespace
	case t.isOne("SECONDARY_LOAD", "SECONDARY_UNLOAD"):
		return errSecondary
	case t.is("PARTITION") && next.is("BY"), t.is("REMOVE") && next.is("PARTITIONING"):
		return nil
	case t.isOne("PARTITION", "COALESCE", "REORGANIZE", "EXCHANGE", "TRUNCATE", "REBUILD", "OPTIMIZE", "ANALYZE", "CHECK", "REPAIR"),
		t.is("CONVERT") && next.isOne("PARTITION", "TABLE"), t.is("UPGRADE") && next.is("PARTITIONING"):
		return errPartition
	}
	return a.readOptions(c)
}

// readOptions looks through table options, which need no commas between them.
func (a *Alter) readOptions(c *cursor) error {
	for ; c.at < len(c.tokens); c.at++ {
		switch t := c.peek(); {
		case t.is("PARTITION") && c.look(1).is("BY"):
			return nil
		case t.isOne("ALGORITHM", "LOCK"):
			return errAlgorithm
		case t.is("RENAME"):
			return errRenameTable
		case t.is("AUTO_INCREMENT") && !t.inside: // whether the server reads a comment is not known
			a.SetsAutoIncrement = true
		case t.is("ENGINE"):
			engine := c.look(1)
			if engine.isMark("=") {
				engine = c.look(2)
			}
			if !strings.EqualFold(strings.Trim(engine.name(), `'"`), "InnoDB") {
				return errEngine
			}
		case t.is("WITH") && c.look(1).is("SYSTEM"):
			return errVersioning
		}
	}
	return nil
}

// conditional says whether something up to the cursor stands in an executable comment.
func (c *cursor) conditional() bool {
	for _, t := range c.tokens[:c.at] {
		if t.inside {
			return true
		}
	}
	return false
}
