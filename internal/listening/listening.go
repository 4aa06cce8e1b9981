// Package listening tells whether an address of this machine can be listened on.
package listening

import "net"

// Taken reports whether an address, a host and a port, cannot be listened on: somebody does,
// or it is none of this machine's.
func Taken(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return true
	}
	l.Close()
	return false
}
