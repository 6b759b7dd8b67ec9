package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// settings are the server variables that all instances of an engine share, and those that o asks for.
func settings(e Engine, o Options) []string {
	args := []string{
		"--skip-name-resolve",
		"--log-bin=binlog",
		"--max-connections=500",
		"--secure-file-priv=",
		"--innodb-buffer-pool-size=64M",
	}
	if e.MariaDB() {
		args = append(args, "--binlog-format=ROW", "--innodb-log-file-size=64M")
	} else {
		gtid := "ON"
		if o.FilePosition {
			gtid = "OFF"
		}
		args = append(args, "--mysqlx=OFF", "--innodb-redo-log-capacity=64M",
			"--gtid-mode="+gtid, "--enforce-gtid-consistency="+gtid)
	}
	if o.Durable {
		return append(args, "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
	}
	// Each stream that starts makes the server read a file of its log from the beginning.
	return append(args, "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--max-binlog-size=16M")
}

// freePort returns a port of the loopback interface that nobody listens on. It lies below the range that
// systems take for outgoing connections, so that it is still free when a server restarts.
func freePort() (int, error) {
	const low, high, tries = 15000, 32000, 200
	var failed error
	for range tries {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			failed = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("find free port: %w", failed)
}

// portTaken tells whether a server's log says that it could not listen.
func portTaken(log string) bool {
	return strings.Contains(log, "Address already in use")
}
