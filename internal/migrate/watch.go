package migrate

import (
	"context"
	"errors"
	"fmt"

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
		writers, err := r.log.Writers(ctx, r.server.ServerID)
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

// whose adds to the write of somebody else whose session it is, if that is still there.
func (r *Runner) whose(ctx context.Context, err error) error {
	var foreign *binlog.ForeignWriteError
	if !errors.As(err, &foreign) || foreign.Thread == 0 || foreign.Server != r.server.ServerID {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	p, lost := conn.FindProcess(ctx, r.db, uint64(foreign.Thread))
	if lost != nil || p == nil {
		return err // what is known is enough
	}
	return fmt.Errorf("%w. The thread is a session of %s from %s", err, p.User, p.Host)
}
