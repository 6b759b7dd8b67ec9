package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/midstreamdb/midstream/internal/table"
)

// columnStatistics returns the statements that build for the shadow the statistics of columns, with their histograms, that the
// source has and a native ALTER would keep. They are in no log, like the rest of what ANALYZE does here.
func (r *Runner) columnStatistics(ctx context.Context) ([]string, error) {
	if r.server.IsMariaDB() {
		return r.persistentStatistics(ctx)
	}
	return r.histograms(ctx)
}

// statistic is what the source has of a column: how its histogram is made.
type statistic struct{ column, how string }

// histograms are MySQL's. They go with a column that is renamed, gets another type, or becomes a unique key of its own. A native
// ALTER drops them also where a MODIFY gives the same type again.
func (r *Runner) histograms(ctx context.Context) ([]string, error) {
	const ask = `
		SELECT COLUMN_NAME, CONCAT(' WITH ', JSON_EXTRACT(HISTOGRAM, '$."number-of-buckets-specified"'), ' BUCKETS',
		       IF(JSON_EXTRACT(HISTOGRAM, '$."auto-update"') = CAST('true' AS JSON), ' AUTO UPDATE', ''))
		  FROM information_schema.COLUMN_STATISTICS
		 WHERE SCHEMA_NAME = ? AND TABLE_NAME = ?
		 ORDER BY COLUMN_NAME`
	found, err := r.askStatistics(ctx, ask)
	if err != nil {
		return nil, err
	}
	hows, columns := r.keptBy(found, func(from, to *table.Column) bool {
		return table.SameIdentifier(from.Name, to.Name) && !isUnique(r.mapping.Shadow, to.Name)
	})
	var statements []string
	for _, how := range hows {
		statements = append(statements, "ANALYZE NO_WRITE_TO_BINLOG TABLE "+r.names.Shadow.String()+" UPDATE HISTOGRAM ON "+table.QuoteList(columns[how])+how)
	}
	return statements, nil
}

// persistentStatistics are MariaDB's, of columns and indexes. They stay with a column that is renamed.
func (r *Runner) persistentStatistics(ctx context.Context) ([]string, error) {
	found, err := r.askStatistics(ctx, `
		SELECT column_name, CONCAT('SET STATEMENT histogram_size = ', COALESCE(hist_size, 0), COALESCE(CONCAT(', histogram_type = ', hist_type), ''), ' FOR ')
		  FROM mysql.column_stats WHERE db_name = ? AND table_name = ? ORDER BY column_name`)
	if err != nil {
		return nil, err
	}
	indexes, err := r.askStatistics(ctx, "SELECT DISTINCT index_name, '' FROM mysql.index_stats WHERE db_name = ? AND table_name = ? ORDER BY 1")
	if err != nil {
		return nil, err
	}
	shadow, err := table.Inspect(ctx, r.db, r.names.Shadow) // the mapping's was inspected before it got deferred indexes
	if err != nil {
		return nil, err
	}
	hows, columns := r.keptBy(found, func(*table.Column, *table.Column) bool { return true })
	var same []string
	for _, index := range indexes {
		if r.sameKey(index.column, shadow) {
			same = append(same, index.column)
		}
	}
	var statements []string
	for i, how := range hows {
		if i > 0 {
			same = nil
		}
		statements = append(statements, r.persistent(how, columns[how], same))
	}
	if len(hows) == 0 && len(same) > 0 {
		statements = append(statements, r.persistent("", nil, same))
	}
	return statements, nil
}

func (r *Runner) persistent(how string, columns, indexes []string) string {
	return fmt.Sprintf("%sANALYZE NO_WRITE_TO_BINLOG TABLE %s PERSISTENT FOR COLUMNS (%s) INDEXES (%s)",
		how, r.names.Shadow, table.QuoteList(columns), table.QuoteList(indexes))
}

func (r *Runner) askStatistics(ctx context.Context, query string) ([]statistic, error) {
	rows, err := r.db.QueryContext(ctx, query, r.names.Source.Schema, r.names.Source.Table)
	if err != nil {
		return nil, fmt.Errorf("read the column statistics of %s: %w", r.names.Source, err)
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	var found []statistic
	for rows.Next() {
		var s statistic
		if err := rows.Scan(&s.column, &s.how); err != nil {
			return nil, fmt.Errorf("read the column statistics of %s: %w", r.names.Source, err)
		}
		found = append(found, s)
	}
	return found, rows.Err()
}

// keptBy returns the names in the shadow of the columns whose statistics stay, by how they are made: those that keep their
// type, and for which may says so.
func (r *Runner) keptBy(found []statistic, may func(from, to *table.Column) bool) (hows []string, columns map[string][]string) {
	columns = make(map[string][]string)
	for _, s := range found {
		from, to := r.counterpart(s.column)
		if !keepsType(from, to) || !may(from, to) {
			continue
		}
		if columns[s.how] == nil {
			hows = append(hows, s.how)
		}
		columns[s.how] = append(columns[s.how], to.Name)
	}
	return hows, columns
}

// counterpart returns a column of the source and its one in the shadow; nil where there is none.
func (r *Runner) counterpart(name string) (from, to *table.Column) {
	from = r.mapping.Source.Column(name)
	if from == nil {
		return nil, nil
	}
	for i := range r.mapping.Columns {
		if p := &r.mapping.Columns[i]; p.Source == from && !p.IsConstant() {
			return from, p.Shadow
		}
	}
	if from.Generation == table.NotGenerated {
		return from, nil
	}
	return from, r.mapping.Shadow.Column(name)
}

func keepsType(from, to *table.Column) bool {
	return to != nil && from.ColumnType == to.ColumnType && from.Collation == to.Collation
}

// isUnique says whether the column alone is a unique key.
func isUnique(t *table.Table, column string) bool {
	return slices.ContainsFunc(t.Keys, func(k table.Key) bool {
		return k.Unique && len(k.Parts) == 1 && table.SameIdentifier(k.Parts[0].Column, column)
	})
}

// sameKey says whether source and shadow have an index of that name with the same parts, of columns that keep their type.
func (r *Runner) sameKey(name string, shadow *table.Table) bool {
	partsIn := func(t *table.Table) []table.KeyPart {
		for _, k := range t.Keys {
			if table.SameIdentifier(k.Name, name) {
				return k.Parts
			}
		}
		return nil
	}
	parts := partsIn(r.mapping.Source)
	return len(parts) > 0 && slices.Equal(parts, partsIn(shadow)) &&
		!slices.ContainsFunc(parts, func(p table.KeyPart) bool { return !keepsType(r.counterpart(p.Column)) })
}
