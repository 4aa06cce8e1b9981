package certs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// A member's identities lie one level below the folder that its container
// mounts, so that they can be replaced as a whole and the mount stays what it
// is. Clients and other servers have such a level too: clients/root/client. The
// folder above it, which an application mounts, also holds the files by their
// names, as links into the inner one: /certs/tls.crt leads to whatever was
// issued last.
//
// Earlier releases had the files in the folder itself and replaced it. Those are
// moved in when something is written for the first time; a container that has
// mounted the folder finds the same names in it.

// inner is the level below the folder of a client or another server, "" for
// what has none.
func inner(name string) string {
	switch folder, rest, _ := strings.Cut(name, "/"); {
	case strings.Contains(rest, "/"):
		return ""
	case folder == "clients":
		return string(Client)
	case folder == "servers":
		return string(Server)
	}
	return ""
}

// ClientDir is the folder with the files of a client of the PKI in dir.
func ClientDir(dir, client string) string { return (&PKI{Dir: dir}).path("clients/" + client) }

// MemberDir is the folder with what a member shows to clients (Server) or to members
// (Peer), of the PKI in dir.
func MemberDir(dir, member string, profile Profile) string {
	return (&PKI{Dir: dir}).path("members/" + member + "/" + string(profile))
}

// path turns an identity's or authority's name into the directory that its files
// are in.
func (p *PKI) path(name string) string {
	if p.isFlat(name) {
		return p.above(name)
	}
	return p.home(name)
}

// above is the directory of a name.
func (p *PKI) above(name string) string { return filepath.Join(p.Dir, filepath.FromSlash(name)) }

// home is the directory that a name's files belong into.
func (p *PKI) home(name string) string { return filepath.Join(p.above(name), inner(name)) }

// isFlat reports whether an identity has its files in the folder itself, as
// earlier releases put them there, or somebody else.
func (p *PKI) isFlat(name string) bool {
	if inner(name) == "" {
		return false
	}
	if _, err := os.Stat(p.home(name)); err == nil {
		return false
	}
	return isRegular(filepath.Join(p.above(name), CertFile)) || isRegular(filepath.Join(p.above(name), KeyFile))
}

func isRegular(file string) bool {
	info, err := os.Lstat(file)
	return err == nil && info.Mode().IsRegular()
}

// moveIn puts the files of every identity that was made here where they belong.
func (p *PKI) moveIn(ctx context.Context, s *state) error {
	for i := range s.identities {
		e := &s.identities[i]
		if !e.flat || e.broken != nil || s.originOf(e) == brought {
			continue
		}
		err := atomicdir.Replace(ctx, atomicdir.Dir{Path: p.home(e.name), Files: e.files.content()})
		if err == nil {
			err = p.linkUp(e.name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		e.moved, e.flat = true, false
	}
	return nil
}

// linkUp leads from the folder of a client or another server to the files in the
// inner one.
func (p *PKI) linkUp(name string) error {
	if inner(name) == "" {
		return nil
	}
	var errs []error
	for _, file := range []string{CAFile, CertFile, KeyFile, CRLFile} {
		if _, err := os.Stat(filepath.Join(p.home(name), file)); err == nil {
			errs = append(errs, p.link(name, file))
		}
	}
	return errors.Join(errs...)
}

func (p *PKI) link(name, file string) error {
	at, target := filepath.Join(p.above(name), file), filepath.Join(inner(name), file)
	if have, err := os.Readlink(at); err == nil && have == target {
		return nil
	}
	made := filepath.Join(p.above(name), "."+file+".link")
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if runtime.GOOS == "windows" || os.Symlink(target, made) != nil {
		return p.copyUp(name, file) // where links need a privilege, or the disk has none
	}
	return os.Rename(made, at)
}

// copyUp puts a copy in the place of a link.
func (p *PKI) copyUp(name, file string) error {
	data, err := os.ReadFile(filepath.Join(p.home(name), file))
	if err != nil {
		return err
	}
	mode := certMode
	if file == KeyFile {
		mode = keyMode
	}
	return writeInto(p.above(name), file, data, mode)
}

// beside reads what lies in the folder above an identity's own where links
// should be, and is another's: nil if nothing is.
func (p *PKI) beside(name string) *stored {
	if inner(name) == "" || p.isFlat(name) {
		return nil
	}
	other := func(file string) bool {
		at := filepath.Join(p.above(name), file)
		if !isRegular(at) {
			return false
		}
		have, err := os.ReadFile(at)
		is, homeErr := os.ReadFile(filepath.Join(p.home(name), file))
		return err != nil || homeErr != nil || !bytes.Equal(have, is)
	}
	if !other(CertFile) && !other(KeyFile) {
		return nil
	}
	files, _ := readStored(p.above(name)) // what is amiss with it does not matter here
	return files
}
