package cutover

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// TestOutcomeIsLookedForWhileTheServerIsFull: a server that refuses for a while is asked again, like one that does not answer.
func TestOutcomeIsLookedForWhileTheServerIsFull(t *testing.T) {
	for _, number := range []uint16{1040, 1203, 1226, 1317, 1290, 1205, 1053} {
		tries := 0
		err := (&Cutover{}).insist(t.Context(), func() error {
			if tries++; tries == 1 {
				return fmt.Errorf("look: %w", &mysql.MySQLError{Number: number})
			}
			return nil
		})
		if err != nil || tries != 2 {
			t.Errorf("error %d: %d tries, %v", number, tries, err)
		}
	}
}
