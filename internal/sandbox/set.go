package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// ServersVariable names the environment variable that tells tests which servers they share, as
// "mysql-9.7=127.0.0.1:15001,mariadb-10.11=127.0.0.1:15002".
const ServersVariable = "MIDSTREAM_SERVERS"

// Set is one running server of each of several engines.
type Set []*Server

// StartSet starts one server of each engine at once; when one does not start the others are stopped.
func StartSet(ctx context.Context, engines []Engine, o Options) (Set, error) {
	set := make(Set, len(engines))
	group, ctx := errgroup.WithContext(ctx)
	for i, e := range engines {
		group.Go(func() (err error) {
			set[i], err = Start(ctx, e, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, set.Stop())
	}
	return set, nil
}

// Stop stops every server of the set at once.
func (set Set) Stop() error {
	errs := make([]error, len(set))
	var group errgroup.Group
	for i, s := range set {
		if s != nil {
			group.Go(func() error { errs[i] = s.Stop(); return nil })
		}
	}
	_ = group.Wait() // the errors are in errs, all of them
	return errors.Join(errs...)
}

// String renders the set as ServersVariable holds it.
func (set Set) String() string {
	parts := make([]string, len(set))
	for i, s := range set {
		parts[i] = string(s.Engine) + "=" + s.Address().HostPort()
	}
	return strings.Join(parts, ",")
}

// ParseServers reads what Set.String renders; the servers have the sandbox's account.
func ParseServers(list string) ([]Address, error) {
	var servers []Address
	for part := range strings.SplitSeq(list, ",") {
		name, at, _ := strings.Cut(strings.TrimSpace(part), "=")
		host, portText, err := net.SplitHostPort(at)
		if err != nil {
			return nil, fmt.Errorf("read server %q: want engine=host:port: %w", part, err)
		}
		port, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("read port of server %q: %w", part, err)
		}
		engine, err := ParseEngine(name)
		if err != nil {
			return nil, err
		}
		servers = append(servers, Address{Engine: engine, Host: host, Port: int(port), User: User, Password: Password})
	}
	return servers, nil
}
