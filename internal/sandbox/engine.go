package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Engine names one of the server kinds that the sandbox can run, by product and release series.
type Engine string

// The engines that the sandbox knows; every shared test runs on each of them.
const (
	MySQL97     Engine = "mysql-9.7"
	MariaDB1011 Engine = "mariadb-10.11"
	MariaDB118  Engine = "mariadb-11.8"
)

// Engines returns every engine, in the order in which they are fetched, started and reported.
func Engines() []Engine { return []Engine{MySQL97, MariaDB1011, MariaDB118} }

// ParseEngine returns the engine of that name; "mysql" and "mariadb" mean the newest of their kind.
func ParseEngine(name string) (Engine, error) {
	switch name {
	case "mysql":
		return MySQL97, nil
	case "mariadb":
		return MariaDB118, nil
	}
	if e := Engine(name); slices.Contains(Engines(), e) {
		return e, nil
	}
	return "", fmt.Errorf("unknown engine %q: use one of mysql, mariadb, %s", name, joinEngines(Engines()))
}

// ParseEngines splits a comma-separated list of engine names; an empty list means every engine.
func ParseEngines(list string) ([]Engine, error) {
	if list == "" {
		return Engines(), nil
	}
	var engines []Engine
	for name := range strings.SplitSeq(list, ",") {
		e, err := ParseEngine(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// MariaDB tells whether the engine is a MariaDB; otherwise it is a MySQL.
func (e Engine) MariaDB() bool { return strings.HasPrefix(string(e), "mariadb") }

func joinEngines(engines []Engine) string {
	names := make([]string, len(engines))
	for i, e := range engines {
		names[i] = string(e)
	}
	return strings.Join(names, ", ")
}

// recipe says where an engine comes from: a Debian suite, the package whose whole dependency closure
// is unpacked, and packages that are unpacked alone, for single files of theirs.
type recipe struct {
	suite    string
	security bool
	closure  []string
	alone    []string
}

// A change here makes every cache fetch the engine again: see recipe.stamp.
var recipes = map[Engine]recipe{
	MySQL97:     {suite: "sid", closure: []string{"mysql-server-core", "tzdata"}},
	MariaDB1011: {suite: "bookworm", security: true, closure: []string{"mariadb-server-core", "tzdata"}, alone: mariadbAlone},
	MariaDB118:  {suite: "trixie", security: true, closure: []string{"mariadb-server-core", "tzdata"}, alone: mariadbAlone},
}

// mariadbAlone adds the plugins and the time zone tool.
var mariadbAlone = []string{"mariadb-server", "mariadb-client"}

// stamp identifies the recipe in a cache: what was fetched by another one is fetched again.
func (r recipe) stamp() string { return fmt.Sprintf("1 %+v\n", r) }

// tree finds the files of one engine below its folder in the cache. No path of it is absolute in the
// cache itself, so a cache may be moved or copied.
type tree struct {
	engine Engine
	root   string
}

// command returns the command line that runs a program of the tree with the tree's own loader and
// libraries, so that the system's C library does not matter.
func (t tree) command(program string, args ...string) []string {
	libs := []string{
		t.path("lib/x86_64-linux-gnu"),
		t.path("usr/lib/x86_64-linux-gnu"),
		t.path("usr/lib/mysql/private"),
	}
	cmd := []string{t.loader(), "--library-path", strings.Join(libs, ":"), t.path(program)}
	return append(cmd, args...)
}

func (t tree) loader() string {
	const name = "x86_64-linux-gnu/ld-linux-x86-64.so.2"
	if p := t.path("usr/lib/" + name); isFile(p) {
		return p
	}
	return t.path("lib/" + name)
}

func (t tree) server() string {
	if t.engine.MariaDB() {
		return "usr/sbin/mariadbd"
	}
	return "usr/sbin/mysqld"
}

func (t tree) tzinfo() string {
	if t.engine.MariaDB() {
		return "usr/bin/mariadb-tzinfo-to-sql"
	}
	return "usr/bin/mysql_tzinfo_to_sql"
}

func (t tree) share() string {
	if t.engine == MariaDB118 {
		return t.path("usr/share/mariadb")
	}
	return t.path("usr/share/mysql")
}

func (t tree) path(rel string) string { return t.root + "/" + rel }

// baseArgs are the arguments that every run of the server needs to find its own files, and only those.
func (t tree) baseArgs() []string {
	args := []string{
		"--no-defaults",
		"--basedir=" + t.path("usr"),
		"--lc-messages-dir=" + t.share(),
		"--character-sets-dir=" + t.share() + "/charsets",
		"--plugin-dir=" + t.path("usr/lib/mysql/plugin"),
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root") // which servers refuse unless told
	}
	return args
}
