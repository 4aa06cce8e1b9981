package etcdctr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
)

// This file gets what etcd's users need that is not in the description.

// CheckPasswords tells of the password files of a Spec's users that can't be read. Its
// error is cluster.Problems.
func CheckPasswords(spec cluster.Spec) error {
	return spec.CheckPasswords(func(file string) error {
		_, err := readPassword(file)
		return err
	})
}

// Passwords reads those of the users that have one, by name.
func (c *Cluster) Passwords(auth *cluster.Auth) (map[string]string, error) {
	read := map[string]string{} // by file
	get := func(file string) (err error) {
		if _, known := read[file]; !known {
			read[file], err = readPassword(file)
		}
		return err
	}
	if err := c.spec.CheckPasswords(get); err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	for _, u := range auth.Users {
		if err := get(u.PasswordFile); err != nil {
			return nil, &InputError{fmt.Errorf("auth.users.%s.password-file: %w", u.Name, err)}
		}
		if password := read[u.PasswordFile]; password != "" {
			passwords[u.Name] = password
		}
	}
	return passwords, nil
}

// users is what it takes to bring etcd's users to the description.
func (c *Cluster) users(auth *cluster.Auth) (passwords map[string]string, err error) {
	if auth == nil {
		return nil, nil
	}
	if err := c.checkAdmin(); err != nil {
		return nil, err
	}
	return c.Passwords(auth)
}

// checkAdmin refuses an administrator whom etcd would take for somebody else. One
// whose certificate is not here yet will get the right one.
func (c *Cluster) checkAdmin() error {
	dir := certs.ClientDir(c.CertsDir(), AdminClient)
	file := filepath.Join(dir, certs.CertFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	config, err := ClientTLS(dir)
	if err != nil {
		return err
	}
	if name := config.Certificates[0].Leaf.Subject.CommonName; name != cluster.RootName {
		return &converge.Refusal{
			Reason: fmt.Sprintf("etcd takes a client for the user that its certificate's common name says, and that of %s is %q, not %q", file, name, cluster.RootName),
			Remedy: converge.Remedy{Text: "have one with that name made where this one was, with `etcdctr certs request` if its authority is not here"},
		}
	}
	return nil
}
