package table

import "context"

const foreignKeys = `
	SELECT k.CONSTRAINT_NAME, k.TABLE_SCHEMA, k.TABLE_NAME, k.COLUMN_NAME,
	       k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
	  FROM information_schema.KEY_COLUMN_USAGE k
	  JOIN information_schema.REFERENTIAL_CONSTRAINTS r
	    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME `

const keyOrder = ` ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`

func (i *inspection) readForeignKeys(ctx context.Context) error {
	args := []any{i.t.Name.Schema, i.t.Name.Table}
	own := foreignKeys + `WHERE k.TABLE_SCHEMA = ? AND k.TABLE_NAME = ? AND k.REFERENCED_TABLE_NAME IS NOT NULL` + keyOrder
	err := i.each(ctx, own, args, func(scan scanner) error {
		return addForeignKey(&i.t.ForeignKeys, scan, func(f *ForeignKey) bool { return f.Child == i.t.Name })
	})
	if err != nil {
		return err
	}
	others := foreignKeys + `WHERE k.REFERENCED_TABLE_SCHEMA = ? AND k.REFERENCED_TABLE_NAME = ?` + keyOrder
	return i.each(ctx, others, args, func(scan scanner) error {
		return addForeignKey(&i.t.ReferencedBy, scan, func(f *ForeignKey) bool { return i.same(f.Parent, i.t.Name) })
	})
}

// addForeignKey adds a row, one pair of columns, to the last key of the list or to a new one.
func addForeignKey(list *[]ForeignKey, scan scanner, belongs func(*ForeignKey) bool) error {
	var f ForeignKey
	var column, reference string
	err := scan(&f.Name, &f.Child.Schema, &f.Child.Table, &column,
		&f.Parent.Schema, &f.Parent.Table, &reference, &f.OnDelete, &f.OnUpdate)
	if err != nil || !belongs(&f) {
		return err
	}
	n := len(*list)
	if n == 0 || (*list)[n-1].Name != f.Name || (*list)[n-1].Child != f.Child {
		*list = append(*list, f)
		n++
	}
	last := &(*list)[n-1]
	last.Columns = append(last.Columns, column)
	last.References = append(last.References, reference)
	return nil
}

func (i *inspection) readTriggers(ctx context.Context) error {
	const ask = `
		SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME
		  FROM information_schema.TRIGGERS
		 WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?
		 ORDER BY TRIGGER_NAME`
	return i.each(ctx, ask, []any{i.t.Name.Schema, i.t.Name.Table}, func(scan scanner) error {
		var on Name
		var name string
		err := scan(&on.Schema, &on.Table, &name)
		if err == nil && i.same(on, i.t.Name) {
			i.t.Triggers = append(i.t.Triggers, name)
		}
		return err
	})
}

func (i *inspection) readChecks(ctx context.Context) error {
	ask := `
		SELECT t.TABLE_SCHEMA, t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED = 'YES'
		  FROM information_schema.TABLE_CONSTRAINTS t
		  JOIN information_schema.CHECK_CONSTRAINTS c USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)
		 WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME = ? AND t.CONSTRAINT_TYPE = 'CHECK'
		 ORDER BY c.CONSTRAINT_NAME`
	if i.mariaDB {
		ask = `
		SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, TRUE
		  FROM information_schema.CHECK_CONSTRAINTS
		 WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?
		 ORDER BY CONSTRAINT_NAME`
	}
	return i.each(ctx, ask, []any{i.t.Name.Schema, i.t.Name.Table}, func(scan scanner) error {
		var on Name
		var c Check
		err := scan(&on.Schema, &on.Table, &c.Name, &c.Expression, &c.Enforced)
		if err == nil && i.same(on, i.t.Name) {
			i.t.Checks = append(i.t.Checks, c)
		}
		return err
	})
}
