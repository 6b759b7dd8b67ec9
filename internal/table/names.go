package table

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"
)

// OwnershipMark is the COMMENT of changelog and checkpoint tables. A table of such a name without it is somebody else's.
const OwnershipMark = "midstream: working table of a migration, removed at its end"

// Names are the tables of a migration besides its source, all in the source's schema. Every name sorts after the source's
// by its bytes, which is the order in which the servers take the metadata locks of one statement.
type Names struct {
	Source     Name
	Shadow     Name
	Retired    Name
	Changelog  Name
	Checkpoint Name
	Scratch    Name // a temporary table, of sessions that compare
}

// NamesFor returns the names for a source: t__new, t__old, t__changelog, t__checkpoint. Where that is too long the name is
// shortened and carries a hash of the source's. The order after the source holds for every name that has at least one
// character below U+FFFF.
func NamesFor(source Name) Names {
	return Names{
		Source:     source,
		Shadow:     derived(source, "__new"),
		Retired:    derived(source, "__old"),
		Changelog:  derived(source, "__changelog"),
		Checkpoint: derived(source, "__checkpoint"),
		Scratch:    derived(source, "__verify"),
	}
}

// RetiredAt returns the retired table's name with the time in it, in UTC: t__old_20060102150405.
func (n Names) RetiredAt(at time.Time) Name {
	return derived(n.Source, "__old_"+at.UTC().Format("20060102150405"))
}

const (
	maxNameLength = 64  // characters
	maxFileLength = 251 // bytes: what the file systems allow, less ".ibd"
)

// derived returns the source's name with a suffix, shortened if need be. A shortened name is a prefix of the source's, then
// a character greater than the one it replaces, then a hash and the suffix: so it is greater than the source's.
func derived(source Name, suffix string) Name {
	name := source.Table + suffix
	if !fits(name) {
		name = shortened(source.Table, suffix)
	}
	return Name{Schema: source.Schema, Table: name}
}

func shortened(source, suffix string) string {
	sum := sha256.Sum256([]byte(source))
	tail := "_" + hex.EncodeToString(sum[:4]) + suffix
	for cut := len(source); cut > 0; {
		_, size := utf8.DecodeLastRuneInString(source[:cut])
		cut -= size
		if greater := greaterThan(source[cut : cut+size]); greater != "" && fits(source[:cut]+greater+tail) {
			return source[:cut] + greater + tail
		}
	}
	return "\uffff" + tail
}

// greaterThan returns a character that sorts after this one, in either case; "" if there is none.
func greaterThan(character string) string {
	for _, c := range []string{"_", "z", "~", "\uff5e", "\uffff"} {
		if c > character && c > strings.ToLower(character) {
			return c
		}
	}
	return ""
}

// fits says whether the servers and the file system under them can hold a table of that name. In a file's name each
// character but ASCII letters, digits and _ takes up to five bytes.
func fits(name string) bool {
	characters, bytes := 0, 0
	for _, c := range name {
		characters++
		if c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			bytes++
		} else {
			bytes += 5
		}
	}
	return characters <= maxNameLength && bytes <= maxFileLength
}
