package alter

import "strings"

// kind is the class of a token.
type kind uint8

const (
	space        kind = iota
	comment           // plain, whole
	opening           // of an executable comment: /*! or /*M!, with its version
	closing           // of an executable comment
	word              // keyword or bare identifier
	quoted            // `identifier`; "identifier" with ANSI_QUOTES
	text              // 'string'; "string" without ANSI_QUOTES
	number            // also 0x1f and 1e5
	punctuation       // one character
	unterminated      // a comment, string or identifier that does not end
)

// token is a piece of a statement: all pieces together are the statement.
type token struct {
	kind   kind
	text   string
	offset int
	// inside says that it stands in an executable comment, which a server may or may not execute.
	inside bool
}

// Dialect is how a session's sql_mode makes the server read text. The zero Dialect is that of both servers' defaults.
type Dialect struct {
	PlainBackslash bool // NO_BACKSLASH_ESCAPES: a backslash in a string is itself
	ANSIQuotes     bool // ANSI_QUOTES: "x" is an identifier
	FoldsNames     bool // lower_case_table_names is not 0: names of tables that differ in case are the same
}

// DialectOf returns the dialect of a session with that sql_mode.
func DialectOf(sqlMode string) Dialect {
	var d Dialect
	for mode := range strings.SplitSeq(strings.ToUpper(sqlMode), ",") {
		d.PlainBackslash = d.PlainBackslash || mode == "NO_BACKSLASH_ESCAPES"
		d.ANSIQuotes = d.ANSIQuotes || mode == "ANSI_QUOTES"
	}
	return d
}

// tokenize splits a statement as both servers do. It never fails: what does not end becomes one last token.
func tokenize(sql string, d Dialect) []token {
	var tokens []token
	inside := false
	for at := 0; at < len(sql); {
		k, n := next(sql[at:], d, inside)
		if k == opening {
			inside = true
		}
		tokens = append(tokens, token{kind: k, text: sql[at : at+n], offset: at, inside: inside})
		if k == closing {
			inside = false
		}
		at += n
	}
	return tokens
}

// next returns the kind and the length of the first token of s, which is not empty.
func next(s string, d Dialect, inside bool) (kind, int) {
	c := s[0]
	switch {
	case isSpace(c):
		return space, run(s, isSpace)
	case c == '#', strings.HasPrefix(s, "--") && (len(s) == 2 || s[2] <= ' '):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return comment, end + 1
		}
		return comment, len(s)
	case !inside && strings.HasPrefix(s, "/*!"), !inside && strings.HasPrefix(s, "/*M!"):
		start := strings.IndexByte(s, '!') + 1
		return opening, start + run(s[start:], isDigit)
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return comment, end + 4
		}
		return unterminated, len(s)
	case inside && strings.HasPrefix(s, "*/"):
		return closing, 2
	case c == '`':
		return enclosed(s, quoted, false)
	case c == '"' && d.ANSIQuotes:
		return enclosed(s, quoted, false)
	case c == '\'', c == '"':
		return enclosed(s, text, !d.PlainBackslash)
	case isIdentifier(c):
		n := run(s, isIdentifier)
		if isNumber(s[:n]) {
			return number, n
		}
		return word, n
	}
	return punctuation, 1
}

// enclosed measures a token up to its closing quote; a doubled quote stands for itself.
func enclosed(s string, k kind, escapes bool) (kind, int) {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] != s[0]:
		case i+1 < len(s) && s[i+1] == s[0]:
			i++
		default:
			return k, i + 1
		}
	}
	return unterminated, len(s)
}

func run(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentifier(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= 0x80
}

// isNumber says whether identifier characters are a number; names may begin with digits too, and 1e5 is a number.
func isNumber(s string) bool {
	digits := run(s, isDigit)
	switch rest := s[digits:]; {
	case digits == 0:
		return false
	case rest == "":
		return true
	case rest[0] == 'e' || rest[0] == 'E':
		return len(rest) > 1 && run(rest[1:], isDigit) == len(rest)-1
	case digits == 1 && s[0] == '0' && len(rest) > 1 && rest[0] == 'x':
		return run(rest[1:], isHex) == len(rest)-1
	}
	return false
}

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// is says whether the token is that keyword, given in upper case.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

// isOne says whether the token is one of the keywords, given in upper case.
func (t token) isOne(keywords ...string) bool {
	for _, k := range keywords {
		if t.is(k) {
			return true
		}
	}
	return false
}

// isMark says whether the token is that punctuation.
func (t token) isMark(mark string) bool { return t.kind == punctuation && t.text == mark }

// isName says whether the token can be an identifier. A number can stand for one after a point only; keywords are not told
// from bare identifiers.
func (t token) isName() bool { return t.kind == word || t.kind == quoted }

// name returns the identifier, unquoted.
func (t token) name() string {
	if t.kind != quoted {
		return t.text
	}
	quote := t.text[:1]
	return strings.ReplaceAll(t.text[1:len(t.text)-1], quote+quote, quote)
}

// significant returns the tokens without spaces, comments and the brackets of executable comments.
func significant(tokens []token) []token {
	var kept []token
	for _, t := range tokens {
		if t.kind != space && t.kind != comment && t.kind != opening && t.kind != closing {
			kept = append(kept, t)
		}
	}
	return kept
}
