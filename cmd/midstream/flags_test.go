package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/midstreamdb/midstream/internal/migrate"
)

var update = flag.Bool("update", false, "write docs/flags.md instead of comparing with it")

var (
	project   = filepath.Join("..", "..")
	reference = filepath.Join(project, "docs", "flags.md")
)

// TestFlagsReference: docs/flags.md says what the command line is.
func TestFlagsReference(t *testing.T) {
	want := flagsReference(t)
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/flags.md is stale: go test ./cmd/midstream -run TestFlagsReference -update")
	}
}

// TestGhostTable: every flag of ours that the table names exists, and a flag that has gh-ost's name is listed as such.
func TestGhostTable(t *testing.T) {
	ours := flagsByName(t)
	listed := map[string]bool{}
	for _, g := range ghostFlags {
		if listed[g.name] {
			t.Errorf("--%s is listed twice", g.name)
		}
		listed[g.name] = true
		for _, name := range flagNames(g.ours) {
			if ours[name] == nil {
				t.Errorf("--%s: there is no flag --%s", g.name, name)
			}
		}
		if same := ours[g.name] != nil; same != (g.ours == sameName) {
			t.Errorf("--%s: a flag of the same name exists: %t, the table says %q", g.name, same, g.ours)
		}
		if g.why == "" && g.ours != sameName {
			t.Errorf("--%s: the table does not say why", g.name)
		}
	}
}

// TestDocumentedFlags: the flags that the README mentions exist.
func TestDocumentedFlags(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(project, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := flagNames(string(text))
	if len(names) == 0 {
		t.Fatal("the README mentions no flag")
	}
	ours := flagsByName(t)
	for _, name := range names {
		if ours[name] == nil {
			t.Errorf("README.md mentions --%s, which does not exist", name)
		}
	}
}

var flagName = regexp.MustCompile(`(?:^|[\s` + "`" + `(])--([a-z][a-z-]*)`)

func flagNames(text string) []string {
	var names []string
	for _, m := range flagName.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func mustModel(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func flagsByName(t *testing.T) map[string]*kong.Flag {
	t.Helper()
	model := mustModel(t)
	byName := map[string]*kong.Flag{}
	for _, node := range append([]*kong.Node{model.Node}, model.Children...) {
		for _, f := range node.Flags {
			byName[f.Name] = f
		}
	}
	return byName
}

// flagsReference renders the page.
func flagsReference(t *testing.T) string {
	model := mustModel(t)
	var b strings.Builder
	fmt.Fprint(&b, `# Flags of midstream

<!-- Generated from the command line's definition: go test ./cmd/midstream -run TestFlagsReference -update -->

`)
	fmt.Fprintf(&b, "`midstream --help` and `midstream migrate --help` show the same.\n")
	for _, command := range model.Children {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", command.FullPath(), command.Help)
		for _, group := range groups(command.Flags) {
			fmt.Fprintf(&b, "\n### %s\n\n| flag | default | meaning |\n|---|---|---|\n", group)
			for _, f := range command.Flags {
				if groupOf(f) == group && !f.Hidden {
					fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(usage(f)), defaultOf(f, command.Flags), cell(meaning(f)))
				}
			}
		}
	}
	writeEveryCommand(&b, model.Flags)
	writeExitCodes(&b)
	writeGhostTable(&b)
	return b.String()
}

func writeEveryCommand(b *strings.Builder, flags []*kong.Flag) {
	fmt.Fprint(b, "\n## Every command\n\n| flag | meaning |\n|---|---|\n")
	for _, f := range flags {
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(usage(f)), cell(f.Help))
	}
}

func writeExitCodes(b *strings.Builder) {
	fmt.Fprint(b, "\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range []struct {
		code    int
		meaning string
	}{
		{migrate.ExitDone, "The tables are swapped and nothing is left to do. Of a dry run: the plan was shown."},
		{migrate.ExitFailed, "Failed or stopped. The source table is unchanged; the same command goes on from the checkpoint, and the message names the statements that remove what is left."},
		{migrate.ExitRefused, "Refused before anything was done, or bad usage. The server is as it was."},
		{migrate.ExitUnknown, "It could not be found out whether the tables were swapped. Start and drop nothing; the message names the tables to look at."},
		{migrate.ExitLeftover, "The tables are swapped; the message names the statements that are left to be executed."},
	} {
		fmt.Fprintf(b, "| %d | %s |\n", e.code, e.meaning)
	}
}

// groups returns the groups of the flags in the order of their first flag.
func groups(flags []*kong.Flag) []string {
	var names []string
	for _, f := range flags {
		if g := groupOf(f); !f.Hidden && !slices.Contains(names, g) {
			names = append(names, g)
		}
	}
	return names
}

func groupOf(f *kong.Flag) string {
	if f.Group == nil {
		return "Other"
	}
	return f.Group.Title
}

// usage is the flag as it is written, with a word for its value.
func usage(f *kong.Flag) string {
	switch {
	case f.IsBool() || f.Short == 'h' || f.Name == "version":
		return "--" + f.Name
	case f.PlaceHolder != "":
		return "--" + f.Name + "=" + f.PlaceHolder
	case f.Enum != "":
		return "--" + f.Name + "=" + strings.ReplaceAll(f.Enum, ",", "|")
	default:
		return "--" + f.Name + "=" + strings.ToUpper(f.Target.Type().Name())
	}
}

// defaultOf says what counts without the flag; of flags that exclude each other, which one is needed.
func defaultOf(f *kong.Flag, all []*kong.Flag) string {
	required := "required"
	for _, other := range all {
		if other != f && slices.ContainsFunc(f.Xor, func(x string) bool { return slices.Contains(other.Xor, x) }) {
			required += ", or `--" + other.Name + "`"
		}
	}
	switch {
	case f.Required:
		return required
	case f.HasDefault:
		return "`" + f.Default + "`"
	default:
		return ""
	}
}

func meaning(f *kong.Flag) string {
	help := f.Help
	if len(f.Envs) > 0 {
		help += " Environment: `" + strings.Join(f.Envs, "`, `") + "`."
	}
	return help
}

// cell makes a text fit into a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
