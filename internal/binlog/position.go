package binlog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in a server's binary log, always between two transactions: a file with an offset, a MySQL GTID set,
// or a MariaDB GTID per replication domain. It is a value and never changes; the zero Position is no place at all. One that
// was read from a log has a Witness, which is no part of its text and of comparisons.
type Position struct {
	form    positionForm
	file    string
	offset  uint64
	set     gtidSet
	domains domainSet
	witness *Witness
}

type positionForm uint8

const (
	noForm positionForm = iota
	fileForm
	gtidForm
	mariaForm
)

var prefixes = map[positionForm]string{fileForm: "file:", gtidForm: "gtid:", mariaForm: "mariadb:"}

// ErrIncomparable says that two positions cannot be ordered: other forms, or files of another base name.
var ErrIncomparable = errors.New("positions cannot be compared")

// FilePosition returns the position at an offset of a binlog file, as the server names it, without a folder.
func FilePosition(file string, offset uint64) Position {
	return Position{form: fileForm, file: file, offset: offset}
}

// IsZero says whether p is no position.
func (p Position) IsZero() bool { return p.form == noForm }

// IsFile says whether p is a file and offset: good for the one server only that wrote the file.
func (p Position) IsFile() bool { return p.form == fileForm }

// String returns the position as ParsePosition reads it: "file:binlog.000012:4711", "gtid:UUID:1-5,UUID:TAG:7" or
// "mariadb:0-1-100,5-2-7"; "" for the zero Position.
func (p Position) String() string {
	switch p.form {
	case fileForm:
		return prefixes[fileForm] + p.file + ":" + strconv.FormatUint(p.offset, 10)
	case gtidForm:
		return prefixes[gtidForm] + p.set.String()
	case mariaForm:
		return prefixes[mariaForm] + p.domains.String()
	default:
		return ""
	}
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	p, err := parsePosition(s)
	if err != nil {
		return Position{}, fmt.Errorf("read position %q: %w", s, err)
	}
	return p, nil
}

func parsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	if text, ok := strings.CutPrefix(s, prefixes[gtidForm]); ok {
		set, err := parseGTIDSet(text)
		return Position{form: gtidForm, set: set}, err
	}
	if text, ok := strings.CutPrefix(s, prefixes[mariaForm]); ok {
		domains, err := parseDomainSet(text)
		return Position{form: mariaForm, domains: domains}, err
	}
	text, ok := strings.CutPrefix(s, prefixes[fileForm])
	colon := strings.LastIndexByte(text, ':')
	if !ok || colon <= 0 {
		return Position{}, errors.New("it is neither a GTID set nor a file with an offset")
	}
	if _, _, err := splitFileName(text[:colon]); err != nil {
		return Position{}, err
	}
	offset, err := strconv.ParseUint(text[colon+1:], 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("its offset is no number: %w", err)
	}
	return FilePosition(text[:colon], offset), nil
}

// Equal says whether both name the same place.
func (p Position) Equal(o Position) bool {
	if p.form != o.form {
		return false
	}
	switch p.form {
	case gtidForm:
		return p.set.contains(o.set) && o.set.contains(p.set)
	case mariaForm:
		return p.domains.equal(o.domains)
	default:
		return p.file == o.file && p.offset == o.offset
	}
}

// AtOrAfter says whether everything up to o is also before p: for GTID sets, whether p contains o. Two GTID sets may each
// lack something of the other. The error is ErrIncomparable.
func (p Position) AtOrAfter(o Position) (bool, error) {
	if p.form != o.form || p.form == noForm {
		return false, fmt.Errorf("%w: %q and %q", ErrIncomparable, p, o)
	}
	switch p.form {
	case gtidForm:
		return p.set.contains(o.set), nil
	case mariaForm:
		return p.domains.contains(o.domains), nil
	}
	order, err := compareFiles(p.file, o.file)
	if err != nil {
		return false, err
	}
	return order > 0 || order == 0 && p.offset >= o.offset, nil
}

// compareFiles orders the binlog files of one server by their number: binlog.999999 is before binlog.1000000.
func compareFiles(a, b string) (int, error) {
	baseA, numberA, err := splitFileName(a)
	if err != nil {
		return 0, err
	}
	baseB, numberB, err := splitFileName(b)
	if err != nil {
		return 0, err
	}
	if baseA != baseB {
		return 0, fmt.Errorf("%w: binlog files %q and %q have different base names", ErrIncomparable, a, b)
	}
	switch {
	case numberA < numberB:
		return -1, nil
	case numberA > numberB:
		return 1, nil
	}
	return 0, nil
}

// splitFileName takes "binlog.000012" apart.
func splitFileName(name string) (base string, number uint64, err error) {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return "", 0, fmt.Errorf("binlog file %q has no number", name)
	}
	number, err = strconv.ParseUint(name[dot+1:], 10, 63)
	if err != nil {
		return "", 0, fmt.Errorf("binlog file %q has no number", name)
	}
	return name[:dot], number, nil
}
