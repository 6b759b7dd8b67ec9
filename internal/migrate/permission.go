package migrate

import (
	"context"

	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/throttle"
)

// permission postpones the cut-over while the user's flag file exists or work is throttled, and shows that as a phase.
type permission struct {
	r      *Runner
	gate   *throttle.Gate // nil: no rows are copied
	reason string         // of the last look
	blind  string         // why a flag file could not be looked for, at the last look
}

var _ cutover.Permission = (*permission)(nil)

// Reason implements cutover.Permission.
func (p *permission) Reason(ctx context.Context) string {
	reason := p.look(ctx)
	switch {
	case reason != "" && p.reason == "":
		p.r.enter(status.Postponed)
	case reason == "" && p.reason != "":
		p.r.enter(status.CutOver)
	}
	p.reason = reason
	return reason
}

// look asks the flag files first: that of the throttle, too, where no gate does. Who cannot see one does not go, and goes on
// looking: the reason may pass.
func (p *permission) look(ctx context.Context) string {
	files := []string{p.r.cfg.PostponeFile}
	if p.gate == nil {
		files = append(files, p.r.cfg.ThrottleFile)
	}
	for _, file := range files {
		if file == "" {
			continue
		}
		exists, err := throttle.FlagFile(file).Reason(ctx)
		if err != nil {
			if text := err.Error(); text != p.blind {
				p.r.cfg.Log.Warn("the cut-over is postponed until it can be seen whether the flag file exists", "error", err)
				p.blind = text
			}
			return "a look at flag file " + file + ": " + err.Error()
		}
		if exists != "" {
			return "the removal of flag file " + file
		}
	}
	p.blind = ""
	if p.gate == nil {
		return ""
	}
	if reason := p.gate.Reason(); reason != "" {
		return "the end of the throttling: " + reason
	}
	return p.r.parts.Load().unverified()
}
