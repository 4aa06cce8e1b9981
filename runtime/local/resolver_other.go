//go:build !linux

package local

import "errors"

func mayChangeResolver() bool { return false }

func execWithResolver(string, []string, []string, string, string) error {
	return errors.New("only Linux can give a process a DNS server of its own")
}
