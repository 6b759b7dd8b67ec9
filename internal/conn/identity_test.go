package conn

import "testing"

// TestMayHaveDataOf: a MariaDB of the same server_id is taken for the same data, whatever its host is called.
func TestMayHaveDataOf(t *testing.T) {
	for _, c := range []struct {
		one, other string
		may        bool
	}{
		{"7@a:3306", "7@a:3306", true},
		{"7@a:3306", "7@b:3306", true},
		{"7@a:3306", "8@a:3306", false},
		{"7@a:3306", "77@a:3306", false},
		{"3e11fa47", "3e11fa47", true},
		{"3e11fa47", "3e11fa48", false},
	} {
		if may := (&Server{UUID: c.one}).MayHaveDataOf(&Server{UUID: c.other}); may != c.may {
			t.Errorf("%s and %s: %t", c.one, c.other, may)
		}
	}
}
