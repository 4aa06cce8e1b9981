//go:build !linux

package durable

import (
	"errors"
	"os"
)

// Start does nothing: it is a hint.
func Start(*os.File) {}

func clone(_, _ *os.File) error { return errors.ErrUnsupported }
