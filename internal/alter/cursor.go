package alter

// cursor walks over significant tokens.
type cursor struct {
	tokens []token
	at     int
}

// peek returns the token at the cursor, or the zero token at the end.
func (c *cursor) peek() token { return c.look(0) }

// look returns the token n places on, or the zero token beyond the end.
func (c *cursor) look(n int) token {
	if c.at+n < len(c.tokens) {
		return c.tokens[c.at+n]
	}
	return token{}
}

// take moves over the keyword if it is there.
func (c *cursor) take(keyword string) bool {
	if !c.peek().is(keyword) {
		return false
	}
	c.at++
	return true
}

// takeIfExists moves over IF EXISTS or IF NOT EXISTS.
func (c *cursor) takeIfExists() {
	if !c.peek().is("IF") {
		return
	}
	n := 1
	if c.look(n).is("NOT") {
		n++
	}
	if c.look(n).is("EXISTS") {
		c.at += n + 1
	}
}

// tableName moves over name or schema.name and returns it unquoted.
func (c *cursor) tableName() (schema, name string, ok bool) {
	chain := c.chain()
	switch len(chain) {
	case 1:
		return "", chain[0], true
	case 2:
		return chain[0], chain[1], true
	}
	return "", "", false
}

// chain moves over identifiers with points between them and returns them unquoted. After a point a name may look like a
// number.
func (c *cursor) chain() []string {
	var names []string
	for {
		t := c.peek()
		if !t.isName() && (len(names) == 0 || t.kind != number) {
			return names
		}
		names = append(names, t.name())
		c.at++
		if !c.peek().isMark(".") {
			return names
		}
		c.at++
	}
}
