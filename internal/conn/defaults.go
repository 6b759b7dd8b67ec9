package conn

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Defaults are what an option file says about the connection; what it does not mention is empty.
type Defaults struct {
	User        string
	Password    string
	HasPassword bool // tells an empty password from none
	Host        string
	Port        int
	Socket      string
	TLS         TLSOptions
}

// ReadDefaults reads the groups [client] and [midstream] of an option file in the format that MySQL documents under "Using
// Option Files"; of two values the later one counts. Options of [client] that do not concern a connection are for
// others and are ignored; in [midstream], and among the ssl options, an unknown name is an error.
func ReadDefaults(path string) (Defaults, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Defaults{}, fmt.Errorf("read option file: %w", err)
	}
	var d Defaults
	if err := d.parse(string(text)); err != nil {
		return Defaults{}, fmt.Errorf("read option file %s: %w", path, err)
	}
	return d, nil
}

// Fill gives c and t the values of the file where they have none of their own. The file's socket is taken as the mysql client
// does: when nothing else names another server.
func (d Defaults) Fill(c *Config, t *TLSOptions) {
	if d.Socket != "" && c.Socket == "" && c.Host == "" && c.Port == 0 && (d.Host == "" || d.Host == "localhost") {
		c.Socket = d.Socket
	}
	for _, s := range []struct {
		to   *string
		from string
	}{
		{&c.User, d.User}, {&c.Password, d.Password}, {&c.Host, d.Host},
		{&t.CA, d.TLS.CA}, {&t.Cert, d.TLS.Cert}, {&t.Key, d.TLS.Key}, {(*string)(&t.Mode), string(d.TLS.Mode)},
	} {
		if *s.to == "" {
			*s.to = s.from
		}
	}
	if c.Port == 0 {
		c.Port = d.Port
	}
}

func (d *Defaults) parse(text string) error {
	group := ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		var err error
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case strings.HasPrefix(line, "!include"):
			err = fmt.Errorf("%s is not supported: put the options into this file", strings.Fields(line)[0])
		case line[0] == '[':
			name, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				err = fmt.Errorf("group %q has no closing bracket", line)
			}
			group = strings.ToLower(strings.TrimSpace(name))
		case group == "":
			err = fmt.Errorf("option without a group before it")
		case group == "client" || group == "midstream":
			err = d.set(line, group == "midstream")
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// set takes one line "name" or "name = value"; strict refuses names that it does not know.
func (d *Defaults) set(line string, strict bool) error {
	name, raw, hasValue := strings.Cut(withoutComment(line), "=")
	name = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
	value := optionValue(raw)
	switch name {
	case "user":
		d.User = value
	case "password":
		d.Password, d.HasPassword = value, hasValue // without a value it asks for a prompt
	case "host":
		d.Host = value
	case "port":
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return fmt.Errorf("port %q is not a number from 0 to 65535", value)
		}
		d.Port = int(port)
	case "socket":
		d.Socket = value
	case "ssl-mode":
		d.TLS.Mode = TLSMode(value)
	case "ssl-ca":
		d.TLS.CA = value
	case "ssl-cert":
		d.TLS.Cert = value
	case "ssl-key":
		d.TLS.Key = value
	default:
		bare := strings.TrimPrefix(strings.TrimPrefix(name, "skip-"), "disable-")
		if strict || bare == "ssl" || strings.HasPrefix(bare, "ssl-") {
			return fmt.Errorf("unknown option %q: known are user, password, host, port, socket, ssl-mode, ssl-ca, ssl-cert, ssl-key", name)
		}
	}
	return nil
}

// withoutComment cuts a "#" comment off the end of a line, unless the "#" stands in quotes.
func withoutComment(line string) string {
	quote, escaped := byte(0), false
	for i := range len(line) {
		c := line[i]
		switch {
		case (c == '\'' || c == '"') && !escaped && quote == 0:
			quote = c
		case c == quote && !escaped:
			quote = 0
		case c == '#' && quote == 0:
			return line[:i]
		}
		escaped = quote != 0 && c == '\\' && !escaped
	}
	return line
}

var optionEscapes = map[byte]byte{'b': '\b', 't': '\t', 'n': '\n', 'r': '\r', 's': ' ', '\\': '\\', '\'': '\'', '"': '"'}

// optionValue trims a value, takes its quotes off and replaces its escapes; a backslash before any other character stays.
func optionValue(raw string) string {
	s := strings.TrimSpace(raw)
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		s = s[1 : n-1]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if c, known := optionEscapes[s[i+1]]; known {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
