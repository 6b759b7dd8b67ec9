package migrate

import (
	"context"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// What tells writes of others to the shadow from those of the migration, which all of its runs go by.
const (
	byThread     = "thread"
	byAnnotation = "annotation"
	byNothing    = ""
)

// canWatch returns by what this server lets others be noticed who write the shadow.
func (r *Runner) canWatch(ctx context.Context) (string, error) {
	if r.server.LogsThreads() {
		return byThread, nil
	}
	if able, err := conn.CanAnnotate(ctx, r.db); err != nil || !able {
		return byNothing, err
	}
	return byAnnotation, nil
}

// watchShadow returns what the stream has to know to notice them.
func (r *Runner) watchShadow(ctx context.Context) (*binlog.Watch, error) {
	switch r.watch {
	case byThread:
		writers, err := r.log.Writers(ctx)
		if err != nil {
			return nil, err
		}
		return &binlog.Watch{Shadow: r.names.Shadow, Writers: writers}, nil
	case byAnnotation:
		return &binlog.Watch{Shadow: r.names.Shadow, Mark: sqlgen.Mark}, nil
	default:
		return nil, nil
	}
}
