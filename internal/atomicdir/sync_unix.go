//go:build unix

package atomicdir

import (
	"errors"
	"os"
)

// syncDir makes a directory's entries durable.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
