package binlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// domainSet is a MariaDB GTID position: the last GTID of each replication domain, ordered by domain. It is never changed.
type domainSet []domainGTID

type domainGTID struct {
	domain   uint32
	server   uint32
	sequence uint64
}

func (s domainSet) find(domain uint32) (int, bool) {
	return slices.BinarySearchFunc(s, domain, func(g domainGTID, d uint32) int { return cmp.Compare(g.domain, d) })
}

// with returns the position after g, the last one of its domain then, whatever was there before.
func (s domainSet) with(g domainGTID) domainSet {
	i, found := s.find(g.domain)
	next := slices.Clone(s)
	if !found {
		return slices.Insert(next, i, g)
	}
	next[i] = g
	return next
}

func (s domainSet) equal(o domainSet) bool { return slices.Equal(s, o) }

// contains says whether s is at or after o in every domain of o.
func (s domainSet) contains(o domainSet) bool {
	for _, g := range o {
		i, found := s.find(g.domain)
		if !found || s[i].sequence < g.sequence {
			return false
		}
	}
	return true
}

// String returns the position as MariaDB writes it: "0-1-100,5-2-7".
func (s domainSet) String() string {
	var b []byte
	for i, g := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(g.domain), 10)
		b = append(b, '-')
		b = strconv.AppendUint(b, uint64(g.server), 10)
		b = append(b, '-')
		b = strconv.AppendUint(b, g.sequence, 10)
	}
	return string(b)
}

func parseDomainSet(text string) (domainSet, error) {
	var s domainSet
	if strings.TrimSpace(text) == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Split(strings.TrimSpace(part), "-")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q is no GTID (domain-server-sequence)", part)
		}
		domain, err1 := strconv.ParseUint(fields[0], 10, 32)
		server, err2 := strconv.ParseUint(fields[1], 10, 32)
		sequence, err3 := strconv.ParseUint(fields[2], 10, 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, fmt.Errorf("%q is no GTID: %w", part, err)
		}
		if _, twice := s.find(uint32(domain)); twice {
			return nil, fmt.Errorf("domain %d stands there twice", domain)
		}
		s = s.with(domainGTID{uint32(domain), uint32(server), sequence})
	}
	return s, nil
}
