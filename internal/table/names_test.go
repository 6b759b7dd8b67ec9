package table

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func all(n Names) []string {
	at := time.Date(2026, 11, 20, 23, 59, 58, 0, time.UTC)
	return []string{n.Shadow.Table, n.Retired.Table, n.Changelog.Table, n.Checkpoint.Table, n.RetiredAt(at).Table}
}

func TestNamesAreReadable(t *testing.T) {
	got := all(NamesFor(Name{"shop", "orders"}))
	want := []string{"orders__new", "orders__old", "orders__changelog", "orders__checkpoint", "orders__old_20261120235958"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

// TestNamesKeepTheLockOrder: the sentry cut-over loses rows when a name sorts before the source's.
func TestNamesKeepTheLockOrder(t *testing.T) {
	characters := rapid.OneOf(
		rapid.RuneFrom([]rune("abcxyzABCXYZ0189_$")),
		rapid.RuneFrom([]rune("_z~\uff5e\uff9f\ufffd")),
		rapid.Custom(func(t *rapid.T) rune {
			c := rapid.Int32Range(1, 0xfffe).Draw(t, "character")
			if c >= 0xd800 && c < 0xe000 {
				c = '日'
			}
			return c
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.SampledFrom([]int{1, 45, 60}).Draw(t, "least")
		source := rapid.StringOfN(characters, least, 64, -1).Draw(t, "source")
		names := all(NamesFor(Name{"db", source}))
		seen := map[string]bool{source: true}
		for _, name := range names {
			if name <= source {
				t.Errorf("%q does not sort after %q", name, source)
			}
			if utf8.RuneCountInString(name) > 64 {
				t.Errorf("%q is longer than 64 characters", name)
			}
			if seen[name] {
				t.Errorf("%q is there twice", name)
			}
			if !utf8.ValidString(name) {
				t.Errorf("%q is cut inside a character", name)
			}
			seen[name] = true
		}
	})
}

// Where lower_case_table_names is 2, names are kept as written and locked in lower case.
func TestNamesKeepTheLockOrderInLowerCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.StringMatching(`[A-Za-z0-9_$~]{40,64}`).Draw(t, "source")
		for _, name := range all(NamesFor(Name{"db", source})) {
			if strings.ToLower(name) <= strings.ToLower(source) {
				t.Errorf("%q does not sort after %q in lower case", name, source)
			}
		}
	})
}

func TestLongNamesDoNotCollide(t *testing.T) {
	prefix := strings.Repeat("a", 60)
	one, two := all(NamesFor(Name{"db", prefix + "_one"})), all(NamesFor(Name{"db", prefix + "_two"}))
	for i := range one {
		if one[i] == two[i] {
			t.Errorf("both have %q", one[i])
		}
		if !strings.HasPrefix(one[i], prefix[:20]) {
			t.Errorf("%q does not show whose it is", one[i])
		}
	}
}

func TestNamesOfWideCharactersFitTheFileSystem(t *testing.T) {
	source := strings.Repeat("名", 50) // the most that a file's name holds, at five bytes each
	for _, name := range all(NamesFor(Name{"db", source})) {
		wide := strings.Count(name, "名") + strings.Count(name, "\uff5e") + strings.Count(name, "\uffff")
		if narrow := utf8.RuneCountInString(name) - wide; 5*wide+narrow+len(".ibd") > 255 || name <= source {
			t.Errorf("%q does not fit or sorts wrong", name)
		}
	}
}
