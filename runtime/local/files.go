package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/runtime"
)

var _ runtime.Copier = (*Runtime)(nil)

// ReadFile reads a file of this machine.
func (r *Runtime) ReadFile(_ context.Context, _, _, file string) ([]byte, error) {
	return os.ReadFile(filepath.FromSlash(file))
}

// ReplaceFiles writes files of this machine.
func (r *Runtime) ReplaceFiles(_ context.Context, _, _, dir string, files map[string][]byte) error {
	var errs []error
	for name, data := range files {
		errs = append(errs, outfile.Note(filepath.Join(filepath.FromSlash(dir), name), data, 0o600))
	}
	return errors.Join(errs...)
}
