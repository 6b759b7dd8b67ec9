package table

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckNames(t *testing.T) {
	names := func(source string, shadow string, checks ...string) string {
		s := &Table{Name: Name{Schema: "s", Table: source}}
		for _, c := range checks {
			s.Checks = append(s.Checks, Check{Name: c})
		}
		var text []string
		for _, n := range CheckNames(s, Name{Schema: "s", Table: shadow}, []string{"b__new", "C"}) {
			text = append(text, n.Source+">"+n.Shadow+">"+n.Swapped)
		}
		return strings.Join(text, " ")
	}
	for _, c := range []struct{ got, want string }{
		{names("t", "t__new"), ""},
		{names("t", "t__new", "t_chk_1", "t_chk_12"), "t_chk_1>t__new_chk_1>t_chk_1 t_chk_12>t__new_chk_12>t_chk_12"},
		{names("t", "t__new", "t_chk_x", "t_chk_01", "u_chk_1"), "t_chk_x>t_chk_x__new>t_chk_x__new t_chk_01>t_chk_01__new>t_chk_01__new u_chk_1>u_chk_1__new>u_chk_1__new"},
		{names("t", "t__new", "a"), "a>a__new>a__new"},
		{names("t", "t__new", "a__new"), "a__new>a>a"},
		{names("t", "t__new", "B", "c__new"), "B>B__new__new>B__new__new c__new>c__new__new>c__new__new"},
		{names("t", "t__new", "__new"), "__new>__new__new>__new__new"},
		{names("t", "t__new", "a", "A__NEW"), "a>a__new__new>a__new__new A__NEW>A__NEW__new__new>A__NEW__new__new"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	long := strings.Repeat("x", 64)
	if got := names("t", "t__new", long); strings.Contains(got, long+otherName) || strings.Count(got, ">") != 2 {
		t.Errorf("got %s", got)
	}
}

func TestCheckNamesTooLong(t *testing.T) {
	for _, c := range []struct {
		length int
		names  []string
		long   bool
	}{
		{53, []string{"%_chk_1"}, false}, {53, []string{"%_chk_10"}, true}, {53, []string{"mine"}, false}, {54, []string{"mine"}, true}, {64, nil, false},
	} {
		source := &Table{Name: Name{Schema: "s", Table: strings.Repeat("t", c.length)}}
		for _, name := range c.names {
			source.Checks = append(source.Checks, Check{Name: strings.ReplaceAll(name, "%", source.Name.Table)})
		}
		n := NamesFor(source.Name)
		if got := TooLong(CheckNames(source, n.Shadow, nil), n); (got != "") != c.long {
			t.Errorf("%d characters, %v: %q", c.length, c.names, got)
		}
	}
}

func TestRenameChecksNeedsAllThatAreKnown(t *testing.T) {
	show := func(lines ...string) *Table {
		return &Table{Name: Name{"s", "t"}, CreateSQL: "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`),\n" + strings.Join(lines, ",\n") + "\n) ENGINE=InnoDB"}
	}
	source := show("  CONSTRAINT `a``b` CHECK ((`id` > 0)) /*!80016 NOT ENFORCED */", "  CONSTRAINT `t_chk_2` CHECK ((`id` <> _utf8mb4'),\\n'))")
	names := []CheckName{{"a`b", "c", "c"}, {"t_chk_2", "t__new_chk_2", "t_chk_2"}}
	got, err := RenameChecks(source, show("  CONSTRAINT `x` CHECK ((`id` > 0))", "  CONSTRAINT `y` CHECK ((`id` > 1))"), names)
	want := []string{"ALTER TABLE `s`.`t` DROP CHECK `x`, DROP CHECK `y`",
		"ALTER TABLE `s`.`t` ADD CONSTRAINT `c` CHECK ((`id` > 0)) /*!80016 NOT ENFORCED */, ADD CONSTRAINT `t__new_chk_2` CHECK ((`id` <> _utf8mb4'),\\n'))"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := RenameChecks(source, show("  CONSTRAINT `x` CHECK ((`id` > 0))"), names); err == nil {
		t.Error("a constraint that is not shown is no error")
	}
}
