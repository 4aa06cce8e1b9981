// Package listening tells whether an address of this machine can be listened on.
package listening

import (
	"errors"
	"io/fs"
	"net"
)

// Taken reports whether an address, a host and a port, cannot be listened on: somebody does,
// or it is none of this machine's.
func Taken(address string) bool { return listen(address) != nil }

// Refused is why an address cannot be listened on by anybody; nil where it can. What only
// this user may not, as a port below 1024, tells nothing of others, such as an engine.
func Refused(address string) error {
	if err := listen(address); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}
