package sandboxtest

import (
	"context"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
)

// Proxy runs a proxy before that server until the test's end, and returns it with the address to use
// instead of the server's.
func Proxy(t *testing.T, server sandbox.Address) (*proxy.Proxy, sandbox.Address) {
	t.Helper()
	p, err := proxy.Listen(server.HostPort())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run proxy: %v", err)
		}
	})
	return p, server.At("127.0.0.1", p.Port())
}
