//go:build unix

package atomicdir

import (
	"errors"
	"os"
)

// syncPath makes a file's content or a directory's entries durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
