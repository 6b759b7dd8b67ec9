package sandbox

import (
	"database/sql"
	"fmt"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// Address returns where the server listens and the account to use.
func (s *Server) Address() Address {
	return Address{Engine: s.Engine, Host: s.Host, Port: s.Port, User: User, Password: Password}
}

// Open returns a pool of connections to the server, as Address.Open does.
func (s *Server) Open(schema string) *sql.DB { return s.Address().Open(schema) }

// Address is where a server listens, and an account with all rights on it.
type Address struct {
	Engine   Engine
	Host     string
	Port     int
	User     string
	Password string
}

// HostPort returns host:port.
func (a Address) HostPort() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// At returns the address with another host and port, as of a proxy before the server.
func (a Address) At(host string, port int) Address {
	a.Host, a.Port = host, port
	return a
}

// Config returns the driver's configuration for a connection to that schema, which may be empty.
func (a Address) Config(schema string) *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", a.HostPort(), a.User, a.Password, schema
	c.Logger = &mysql.NopLogger{} // a server that is killed or starts up is not worth a line each time
	return c
}

// Open returns a pool of connections to that schema, which may be empty; nothing is connected yet.
func (a Address) Open(schema string) *sql.DB { return openConfig(a.Config(schema)) }

// OpenMulti is Open for connections that take several statements in one call.
func (a Address) OpenMulti(schema string) *sql.DB {
	c := a.Config(schema)
	c.MultiStatements = true
	return openConfig(c)
}

func openConfig(c *mysql.Config) *sql.DB {
	connector, err := mysql.NewConnector(c)
	if err != nil {
		panic(fmt.Sprintf("sandbox: configure connection: %v", err)) // Config sets no field that can be refused
	}
	return sql.OpenDB(connector)
}
