//go:build unix

package atomicdir

import (
	"errors"
	"os"
)

// syncDir makes the directory's entries durable, not only its files.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
