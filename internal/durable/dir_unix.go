//go:build unix

package durable

import (
	"errors"
	"os"
)

// Dir makes a directory's entries durable.
func Dir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
