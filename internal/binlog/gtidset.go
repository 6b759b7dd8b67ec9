package binlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// uuid is the source id of a MySQL GTID.
type uuid [16]byte

// gtidSet is a set of MySQL GTIDs, ordered by source and tag. It is never changed: with returns a new one that shares what it
// can, so that a snapshot per transaction costs a small copy, however many holes the set has.
type gtidSet []gtidRuns

// gtidRuns are the numbers of one source and tag: the runs below the highest one, and the highest one, which nearly every
// transaction lengthens.
type gtidRuns struct {
	source uuid
	tag    string // "" for GTIDs without a tag
	lower  []run  // ordered, neither overlapping nor touching; shared between sets
	top    run
}

// run is a range of transaction numbers, both ends included.
type run struct{ first, last int64 }

func (r *gtidRuns) compare(source uuid, tag string) int {
	return cmp.Or(bytes.Compare(r.source[:], source[:]), cmp.Compare(r.tag, tag))
}

func (s gtidSet) find(source uuid, tag string) (int, bool) {
	for i := range s {
		if c := s[i].compare(source, tag); c >= 0 {
			return i, c == 0
		}
	}
	return len(s), false
}

// with returns the set and one more GTID.
func (s gtidSet) with(source uuid, tag string, number int64) gtidSet {
	return s.withRun(source, tag, run{number, number})
}

func (s gtidSet) withRun(source uuid, tag string, added run) gtidSet {
	i, found := s.find(source, tag)
	if !found {
		entry := gtidRuns{source: source, tag: tag, top: added}
		return slices.Insert(slices.Clone(s), i, entry)
	}
	next := slices.Clone(s)
	next[i] = next[i].with(added)
	return next
}

func (r gtidRuns) with(added run) gtidRuns {
	if added.first == r.top.last+1 {
		r.top.last = added.last
		return r
	}
	all := append(r.all(), added)
	slices.SortFunc(all, func(a, b run) int { return cmp.Compare(a.first, b.first) })
	merged := all[:1]
	for _, next := range all[1:] {
		if last := &merged[len(merged)-1]; next.first <= last.last+1 {
			last.last = max(last.last, next.last)
		} else {
			merged = append(merged, next)
		}
	}
	r.lower, r.top = merged[:len(merged)-1:len(merged)-1], merged[len(merged)-1]
	return r
}

// all returns a fresh slice of every run.
func (r *gtidRuns) all() []run { return append(slices.Clone(r.lower), r.top) }

// contains says whether every GTID of o is in s.
func (s gtidSet) contains(o gtidSet) bool { return len(o.without(s)) == 0 }

// has says whether the set has the GTID.
func (s gtidSet) has(source uuid, tag string, number int64) bool {
	i, found := s.find(source, tag)
	return found && slices.ContainsFunc(s[i].all(), func(r run) bool { return r.first <= number && number <= r.last })
}

// without returns the GTIDs of s that are not in o.
func (s gtidSet) without(o gtidSet) gtidSet {
	var missing gtidSet
	for i := range s {
		j, found := o.find(s[i].source, s[i].tag)
		for _, rest := range s[i].all() {
			if found {
				for _, have := range o[j].all() {
					if have.last < rest.first || have.first > rest.last {
						continue
					}
					if have.first > rest.first {
						missing = missing.withRun(s[i].source, s[i].tag, run{rest.first, have.first - 1})
					}
					rest.first = have.last + 1
				}
			}
			if rest.first <= rest.last {
				missing = missing.withRun(s[i].source, s[i].tag, rest)
			}
		}
	}
	return missing
}

// String returns the set as MySQL writes it, without line breaks.
func (s gtidSet) String() string {
	var b strings.Builder
	for i := range s {
		r := &s[i]
		if i == 0 || r.source != s[i-1].source {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(r.source.String())
		}
		if r.tag != "" {
			b.WriteByte(':')
			b.WriteString(r.tag)
		}
		for _, n := range r.all() {
			b.WriteByte(':')
			b.WriteString(strconv.FormatInt(n.first, 10))
			if n.last > n.first {
				b.WriteByte('-')
				b.WriteString(strconv.FormatInt(n.last, 10))
			}
		}
	}
	return b.String()
}

// parseGTIDSet reads a set as MySQL writes it: "UUID:1-5:7:tag:3,UUID:1", with or without line breaks.
func parseGTIDSet(text string) (gtidSet, error) {
	var s gtidSet
	if strings.TrimSpace(text) == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Split(strings.TrimSpace(part), ":")
		source, err := parseUUID(fields[0])
		if err != nil {
			return nil, err
		}
		tag, numbers := "", 0
		for _, field := range fields[1:] {
			if field = strings.TrimSpace(field); isTag(field) {
				tag = strings.ToLower(field)
				continue
			}
			r, err := parseRun(field)
			if err != nil {
				return nil, err
			}
			s = s.withRun(source, tag, r)
			numbers++
		}
		if numbers == 0 {
			return nil, fmt.Errorf("GTID %q has no number", part)
		}
	}
	return s, nil
}

// isTag says whether a part of a GTID is a tag: it starts with a letter or an underscore.
func isTag(s string) bool {
	return s != "" && len(s) <= 32 && (s[0] == '_' || s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

func parseRun(s string) (run, error) {
	low, high, isRange := strings.Cut(s, "-")
	first, err := strconv.ParseInt(low, 10, 64)
	last := first
	if err == nil && isRange {
		last, err = strconv.ParseInt(high, 10, 64)
	}
	if err != nil || first <= 0 || last < first || last == 1<<63-1 {
		return run{}, fmt.Errorf("%q is no range of transaction numbers", s)
	}
	return run{first, last}, nil
}

func parseUUID(s string) (uuid, error) {
	var u uuid
	bare := strings.ReplaceAll(s, "-", "")
	if len(bare) != 2*len(u) {
		return u, fmt.Errorf("%q is no UUID", s)
	}
	if _, err := hex.Decode(u[:], []byte(bare)); err != nil {
		return u, fmt.Errorf("%q is no UUID: %w", s, err)
	}
	return u, nil
}

// String returns the usual form with dashes.
func (u uuid) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// encode returns the set as COM_BINLOG_DUMP_GTID carries it (Gtid_set::encode in MySQL's rpl_gtid_set.cc): with tags in the
// format of 8.3 and later, which marks itself in the count, else in the one that every version reads.
func (s gtidSet) encode() []byte {
	tagged := slices.ContainsFunc(s, func(r gtidRuns) bool { return r.tag != "" })
	count := uint64(len(s))
	if tagged {
		count = count<<8 | 1 | 1<<56
	}
	b := binary.LittleEndian.AppendUint64(nil, count)
	for i := range s {
		b = append(b, s[i].source[:]...)
		if tagged {
			b = append(b, byte(len(s[i].tag))<<1)
			b = append(b, s[i].tag...)
		}
		runs := s[i].all()
		b = binary.LittleEndian.AppendUint64(b, uint64(len(runs)))
		for _, r := range runs {
			b = binary.LittleEndian.AppendUint64(b, uint64(r.first))
			b = binary.LittleEndian.AppendUint64(b, uint64(r.last)+1)
		}
	}
	return b
}
