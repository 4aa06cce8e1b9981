package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// A key is its owner's, and an application in a container is seldom the owner: it
// is a user of its own there. Its folder can be given to that user, or be opened
// to a group. A renewal leaves it with whom it is.

// Grantee is who may read a client's files: a user, and a group of which the
// group alone counts where the files cannot be given away.
type Grantee struct {
	UID, GID int
	Group    bool // GID was asked for
}

const (
	groupDirMode fs.FileMode = 0o750
	groupKeyMode fs.FileMode = 0o640
)

// caller is who asks; it is handed in by tests.
type caller struct {
	uid    int
	groups []int
}

// grant is how the grantee gets to read: a change of owner, or of group and modes.
type grant struct {
	owner    atomicdir.Owner // -1: as it is
	dir, key fs.FileMode
}

// grantTo decides that: who is root gives the files away, others open them to a
// group of theirs.
func grantTo(to Grantee, by caller) (grant, error) {
	switch {
	case by.uid == 0:
		return grant{atomicdir.Owner{UID: to.UID, GID: to.GID}, 0o700, keyMode}, nil
	case by.uid == to.UID:
		return grant{atomicdir.Owner{UID: -1, GID: -1}, 0o700, keyMode}, nil
	case to.Group && slices.Contains(by.groups, to.GID):
		return grant{atomicdir.Owner{UID: -1, GID: to.GID}, groupDirMode, groupKeyMode}, nil
	case to.Group:
		return grant{}, fmt.Errorf("for %d:%d: you are neither root nor in the group %d, and so cannot let it read the key: run as root, or name a group of yours (%v), which the application is then run with",
			to.UID, to.GID, to.GID, by.groups)
	}
	return grant{}, fmt.Errorf("for %d: you are not root, and so cannot give the key to another user: run as root, or name a group of yours, %d:GID with one of %v, which the application is then run with",
		to.UID, to.UID, by.groups)
}

// noOwner leaves a file to whom it belongs.
var noOwner = atomicdir.Owner{UID: -1, GID: -1}

// thisProcess asks. Where the system does not tell its groups it has its own.
func thisProcess() caller {
	groups, err := os.Getgroups()
	if err != nil {
		groups = nil
	}
	return caller{os.Geteuid(), append(groups, os.Getegid())}
}

// Grant lets somebody read a client's or another server's files, now and after
// each renewal. Before, nobody but their owner can.
func (p *PKI) Grant(name string, to Grantee) error {
	g, err := grantTo(to, thisProcess())
	if err != nil {
		return err
	}
	return p.hand(name, g)
}

// hand changes the owner and the modes of an identity's folders and files. The
// outer folder, which is what a container mounts, is handed over last.
func (p *PKI) hand(name string, g grant) error {
	dirs := []string{p.path(name)}
	if above := p.above(name); above != dirs[0] {
		dirs = append(dirs, above)
	}
	for _, dir := range dirs {
		if err := handDir(dir, g); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func handDir(dir string, g grant) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() {
			continue
		}
		if err := os.Chown(file, g.owner.UID, g.owner.GID); err != nil {
			return err
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o004 != 0 {
			continue // a certificate, which everybody may read
		}
		if err := os.Chmod(file, g.key); err != nil {
			return err
		}
	}
	return errors.Join(os.Chown(dir, g.owner.UID, g.owner.GID), os.Chmod(dir, g.dir))
}

// heir is who a folder belongs to that root makes where there is none yet: whose the
// certificates are, so that what that one runs can read it. Nil stands for who makes it.
func (p *PKI) heir() *atomicdir.Owner {
	info, err := os.Stat(p.Dir)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	if owner := ownerOf(info); owner != nil && owner.UID != 0 {
		return owner
	}
	return nil
}

// ownedLike has a folder that replaces another belong to whom that one does, and
// be open to the same group.
func (p *PKI) ownedLike(d atomicdir.Dir) atomicdir.Dir {
	info, err := os.Stat(d.Path)
	if err != nil {
		d.Owner = p.heir()
		return d
	}
	if owner := ownerOf(info); owner != nil && *owner != (atomicdir.Owner{UID: os.Geteuid(), GID: os.Getegid()}) {
		d.Owner = owner
	}
	if info.Mode().Perm() != groupDirMode {
		return d
	}
	d.Mode = groupDirMode
	d.Files = slices.Clone(d.Files)
	for i := range d.Files {
		if d.Files[i].Mode == keyMode {
			d.Files[i].Mode = groupKeyMode
		}
	}
	return d
}
