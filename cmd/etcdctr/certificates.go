package main

import (
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/certs"
)

func (a *app) pki(dir string) *certs.PKI {
	return &certs.PKI{Dir: dir, Now: a.now, Random: a.random}
}

// certsError says which folder an error of the PKI is about.
func certsError(dir string, err error) error {
	if err == nil {
		return nil
	}
	if name := (*certs.NameError)(nil); errors.As(err, &name) {
		err = usage(err)
	}
	return fmt.Errorf("certificates in %s: %w", dir, err)
}
