package binlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	library "github.com/go-mysql-org/go-mysql/mysql"
	"pgregory.net/rapid"
)

const (
	uuidA = "11111111-1111-1111-1111-111111111111"
	uuidB = "22222222-2222-2222-2222-222222222222"
)

func mustParse(tb testing.TB, s string) Position {
	tb.Helper()
	p, err := ParsePosition(s)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestPositionText(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"gtid:":                   "gtid:",
		"mariadb:":                "mariadb:",
		"file:binlog.000012:4711": "file:binlog.000012:4711",
		"file:a:b.c.1000000:18446744073709551615":            "file:a:b.c.1000000:18446744073709551615",
		"gtid:" + uuidB + ":1-5:7,\n" + uuidA + ":2":         "gtid:" + uuidA + ":2," + uuidB + ":1-5:7",
		"gtid:" + uuidA + ":7:3-4:1:5-6:2":                   "gtid:" + uuidA + ":1-7",
		"gtid:" + uuidA + ":1-3:tag_a:4:B:1-2:5":             "gtid:" + uuidA + ":1-3:b:1-2:5:tag_a:4",
		"gtid:" + uuidA + ":9223372036854775806":             "gtid:" + uuidA + ":9223372036854775806",
		"gtid:" + uuidA + ":1-2," + uuidA + ":3-9":           "gtid:" + uuidA + ":1-9",
		"gtid:AAAAAAAA-1111-1111-1111-111111111111:1":        "gtid:aaaaaaaa-1111-1111-1111-111111111111:1",
		"mariadb:5-2-7,0-1-100":                              "mariadb:0-1-100,5-2-7",
		"mariadb:4294967295-4294967295-18446744073709551615": "mariadb:4294967295-4294967295-18446744073709551615",
	} {
		if got := mustParse(t, text).String(); got != want {
			t.Errorf("%q reads as %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{
		"x", "binlog.000001:4", "file:binlog:4", "file:binlog.000001", "file:binlog.000001:-1", "file:.000001:4", "file::4",
		"gtid:x", "gtid:" + uuidA, "gtid:" + uuidA + ":", "gtid:" + uuidA + ":0", "gtid:" + uuidA + ":5-4", "gtid:" + uuidA + ":tag",
		"gtid:" + uuidA + ":1-", "gtid:" + uuidA[1:] + ":1", "gtid:" + uuidA + ":9223372036854775807", "gtid:" + uuidA + ":1,,",
		"mariadb:1-2", "mariadb:1-2-x", "mariadb:0-1-1,0-2-2", "mariadb:-1-2-3", "mariadb:4294967296-1-1",
	} {
		if p, err := ParsePosition(text); err == nil {
			t.Errorf("%q reads as %q", text, p)
		}
	}
}

func TestPositionOrder(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		after bool
	}{
		{"file:b.000001:4", "file:b.000001:4", true},
		{"file:b.000001:3", "file:b.000001:4", false},
		{"file:b.000002:4", "file:b.000001:999", true},
		{"file:b.1000000:4", "file:b.999999:4", true},
		{"file:b.999999:4", "file:b.1000000:4", false},
		{"gtid:" + uuidA + ":1-5", "gtid:" + uuidA + ":1-4", true},
		{"gtid:" + uuidA + ":1-5:7", "gtid:" + uuidA + ":6", false},
		{"gtid:" + uuidA + ":1-5:7-9", "gtid:" + uuidA + ":2-3:7:9", true},
		{"gtid:" + uuidA + ":1-5", "gtid:" + uuidA + ":4-6", false},
		{"gtid:" + uuidA + ":1-5", "gtid:" + uuidB + ":1", false},
		{"gtid:" + uuidA + ":x:1-5", "gtid:" + uuidA + ":1", false},
		{"gtid:" + uuidA + ":1", "gtid:", true},
		{"mariadb:0-1-100,5-1-1", "mariadb:0-2-99", true},
		{"mariadb:0-1-100", "mariadb:0-1-100,5-1-1", false},
		{"mariadb:0-1-99", "mariadb:0-1-100", false},
	} {
		after, err := mustParse(t, c.a).AtOrAfter(mustParse(t, c.b))
		if err != nil || after != c.after {
			t.Errorf("%s at or after %s: %t, %v", c.a, c.b, after, err)
		}
	}
	for _, c := range [][2]string{{"file:a.000001:4", "file:b.000001:4"}, {"file:a.000001:4", "gtid:"}, {"", ""}, {"mariadb:", "gtid:"}} {
		if _, err := mustParse(t, c[0]).AtOrAfter(mustParse(t, c[1])); !errors.Is(err, ErrIncomparable) {
			t.Errorf("%q and %q can be compared: %v", c[0], c[1], err)
		}
	}
	if a, b := mustParse(t, "mariadb:0-1-1"), mustParse(t, "mariadb:0-2-1"); a.Equal(b) || !a.Equal(a) {
		t.Error("GTIDs of two servers are equal")
	}
}

// TestGTIDSetAgainstModel adds GTIDs in random order, and compares with a plain set and with the library's text and encoding.
// Every earlier snapshot must still say what it said.
func TestGTIDSetAgainstModel(t *testing.T) {
	type gtid struct {
		source uuid
		tag    string
		number int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		sources := []uuid{testUUID, {9}, {0xff}}
		tags := []string{"", "", "a", "tag_2"}[:rapid.IntRange(1, 4).Draw(rt, "tags")]
		var s gtidSet
		model := map[gtid]bool{}
		oracle, err := library.ParseMysqlGTIDSet("")
		if err != nil {
			rt.Fatal(err)
		}
		type snapshot struct {
			set  gtidSet
			text string
		}
		var snapshots []snapshot
		for range rapid.IntRange(0, 60).Draw(rt, "GTIDs") {
			g := gtid{rapid.SampledFrom(sources).Draw(rt, "source"), rapid.SampledFrom(tags).Draw(rt, "tag"), rapid.Int64Range(1, 25).Draw(rt, "number")}
			s = s.with(g.source, g.tag, g.number)
			model[g] = true
			text := g.source.String()
			if g.tag != "" {
				text += ":" + g.tag
			}
			if err := oracle.Update(fmt.Sprintf("%s:%d", text, g.number)); err != nil {
				rt.Fatal(err)
			}
			snapshots = append(snapshots, snapshot{s, s.String()})
		}
		if s.String() != oracle.String() {
			rt.Fatalf("got %s, the library %s", s, oracle)
		}
		if !slices.Equal(s.encode(), oracle.Encode()) {
			rt.Fatalf("%s is encoded as\n%x, by the library as\n%x", s, s.encode(), oracle.Encode())
		}
		for _, source := range sources {
			for _, tag := range tags {
				for n := int64(1); n <= 26; n++ {
					one := gtidSet(nil).with(source, tag, n)
					if s.contains(one) != model[gtid{source, tag, n}] || (len(one.without(s)) == 0) != s.contains(one) {
						rt.Fatalf("%s contains %s: %t", s, one, s.contains(one))
					}
				}
			}
		}
		if len(snapshots) > 0 {
			early := rapid.SampledFrom(snapshots).Draw(rt, "early").set
			rest := s.without(early)
			for g := range model {
				one := gtidSet(nil).with(g.source, g.tag, g.number)
				if rest.contains(one) == early.contains(one) || !s.contains(rest) {
					rt.Fatalf("%s without %s is %s", s, early, rest)
				}
			}
		}
		for _, snap := range snapshots {
			if snap.set.String() != snap.text || !s.contains(snap.set) {
				rt.Fatalf("snapshot %s became %s", snap.text, snap.set)
			}
		}
		if again, err := parseGTIDSet(s.String()); err != nil || !again.contains(s) || !s.contains(again) {
			rt.Fatalf("%s reads as %s: %v", s, again, err)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"gtid:" + uuidA + ":1-5:tag:7", "mariadb:0-1-2,3-4-5", "file:binlog.000001:4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		again, err := ParsePosition(p.String())
		if err != nil || !again.Equal(p) || again.String() != p.String() {
			t.Errorf("%q reads as %q, that as %q: %v", s, p, again, err)
		}
	})
}

// BenchmarkSnapshot is the cost of a position per transaction, on a plain source and on one with many sources and holes.
func BenchmarkSnapshot(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	holes := gtidSet(nil)
	for i := range int64(1000) {
		for s := range byte(4) {
			holes = holes.with(uuid{s}, "", 3*i+1+random.Int64N(2))
		}
	}
	for name, start := range map[string]gtidSet{"plain": gtidSet(nil).with(uuid{1}, "", 1), "holes": holes} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			p := Position{form: gtidForm, set: start}
			for n := int64(0); b.Loop(); n++ {
				p = Position{form: gtidForm, set: p.set.with(uuid{1}, "", 10000+n)}
			}
		})
	}
	b.Run("mariadb", func(b *testing.B) {
		b.ReportAllocs()
		p := Position{form: mariaForm}
		for n := uint64(0); b.Loop(); n++ {
			p = Position{form: mariaForm, domains: p.domains.with(domainGTID{0, 1, n})}
		}
	})
}
