package binlog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// query is a statement in the log, with the schema that unqualified names in it mean.
type query struct {
	thread uint32 // that executed it
	schema string
	text   string
}

// parseQuery parses QUERY_EVENT, MariaDB's compressed form of it, and EXECUTE_LOAD_QUERY_EVENT.
func parseQuery(kind byte, body []byte) (query, error) {
	r := &reader{data: body}
	thread := uint32(r.uint(4))
	r.bytes(4) // seconds it took
	schema := int(r.uint(1))
	r.bytes(2) // error number
	status := int(r.uint(2))
	if kind == executeLoadQueryEvent {
		r.bytes(13) // file, and where its name stands in the statement
	}
	r.bytes(status)
	q := query{thread: thread, schema: string(r.bytes(schema))}
	r.bytes(1)
	if r.short {
		return query{}, errShort
	}
	text := r.data
	if kind == compressedQueryEvent {
		var err error
		if text, err = inflateRows(text); err != nil {
			return query{}, fmt.Errorf("inflate statement: %w", err)
		}
	}
	q.text = string(text)
	return q, nil
}

// verb is what a statement in the log means for the transaction around it.
type verb uint8

const (
	otherVerb verb = iota
	beginVerb
	commitVerb
	rollbackVerb
	savepointVerb
	rollbackToVerb
	releaseVerb
	xaStartVerb
	xaEndVerb
	xaCommitVerb
	xaRollbackVerb
)

// control says whether a statement opens, ends or divides a transaction; the argument is the savepoint's name or the xid.
func (q query) control() (verb, string) {
	first, rest := cutWord(q.text)
	switch strings.ToUpper(first) {
	case "BEGIN":
		return beginVerb, ""
	case "COMMIT":
		return commitVerb, ""
	case "SAVEPOINT":
		return savepointVerb, rest
	case "RELEASE":
		return releaseVerb, ""
	case "ROLLBACK":
		return rollback(rest)
	case "XA":
		return xa(rest)
	}
	return otherVerb, ""
}

func rollback(rest string) (verb, string) {
	for word, tail := cutWord(rest); word != ""; word, tail = cutWord(tail) {
		if strings.EqualFold(word, "TO") {
			if next, name := cutWord(tail); strings.EqualFold(next, "SAVEPOINT") && name != "" {
				tail = name
			}
			return rollbackToVerb, tail
		}
	}
	return rollbackVerb, ""
}

func xa(rest string) (verb, string) {
	word, id := cutWord(rest)
	switch strings.ToUpper(word) {
	case "START", "BEGIN":
		return xaStartVerb, id
	case "END":
		return xaEndVerb, id
	case "COMMIT":
		return xaCommitVerb, id
	case "ROLLBACK":
		return xaRollbackVerb, id
	}
	return otherVerb, ""
}

// cutWord returns the first word of s, in letters, and what follows it and its blanks.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\r\n")
	end := 0
	for end < len(s) && (s[end]|0x20 >= 'a' && s[end]|0x20 <= 'z' || s[end] == '_') {
		end++
	}
	return s[:end], strings.Trim(s[end:], " \t\r\n;")
}

// parseXID reads the xid of a logged XA statement, X'…',X'…',n. Whether ONE PHASE follows it is told.
func parseXID(text string) (id conn.XID, onePhase bool, err error) {
	text, onePhase = cutOnePhase(text)
	parts := strings.Split(text, ",")
	if len(parts) > 3 {
		return conn.XID{}, false, fmt.Errorf("%q is no xid", text)
	}
	var global, branch []byte
	format := uint64(1)
	if global, err = parseHex(parts[0]); err == nil && len(parts) > 1 {
		branch, err = parseHex(parts[1])
	}
	if err == nil && len(parts) > 2 {
		format, err = strconv.ParseUint(strings.TrimSpace(parts[2]), 10, 32)
	}
	if err != nil {
		return conn.XID{}, false, fmt.Errorf("%q is no xid: %w", text, err)
	}
	return conn.XID{Global: string(global), Branch: string(branch), Format: uint32(format)}, onePhase, nil
}

func cutOnePhase(text string) (string, bool) {
	const suffix = "ONE PHASE"
	if n := len(text) - len(suffix); n > 0 && strings.EqualFold(text[n:], suffix) {
		return strings.TrimSpace(text[:n]), true
	}
	return text, false
}

func parseHex(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	if len(s) < 3 || s[0]|0x20 != 'x' || s[1] != '\'' || s[len(s)-1] != '\'' {
		return nil, errors.New("its parts are not X'…'")
	}
	return hex.DecodeString(s[2 : len(s)-1])
}

// parseXAPrepare parses XA_PREPARE_LOG_EVENT, which ends the rows of an XA transaction; onePhase: they are committed at once.
func parseXAPrepare(body []byte) (id conn.XID, onePhase bool, err error) {
	r := &reader{data: body}
	onePhase = r.uint(1) != 0
	format := uint32(r.uint(4))
	global, branch := int(r.uint(4)), int(r.uint(4))
	const limit = 64 // bytes, of each part
	if r.short || global > limit || branch > limit {
		return conn.XID{}, false, errors.New("it has no xid")
	}
	id = conn.XID{Global: string(r.bytes(global)), Branch: string(r.bytes(branch)), Format: format}
	if r.short {
		return conn.XID{}, false, errShort
	}
	return id, onePhase, nil
}
