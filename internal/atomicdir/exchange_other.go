//go:build !linux

package atomicdir

import "errors"

func exchange(string, string) error { return errors.ErrUnsupported }
