package stack

import (
	"context"
	"errors"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

// CopyProgram copies a program of a container to this machine, and reports whether it is
// one: what is no regular file is left where it is.
func CopyProgram(ctx context.Context, e Engine, container, source, file string) (bool, error) {
	copied, err := e.CopyFromContainer(ctx, container, client.CopyFromContainerOptions{SourcePath: source})
	if err != nil {
		return false, err
	}
	is, err := tarfolder.File(file, copied.Content)
	return is, errors.Join(err, copied.Content.Close())
}
