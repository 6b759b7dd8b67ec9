package throttle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// FlagFile holds work back while a file of that path exists, whatever is in it.
type FlagFile string

var _ Check = FlagFile("")

// Reason implements Check.
func (f FlagFile) Reason(context.Context) (string, error) {
	_, err := os.Stat(string(f))
	switch {
	case err == nil:
		return fmt.Sprintf("flag file %s exists", string(f)), nil
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	}
	return "", fmt.Errorf("look for flag file: %w", err)
}
