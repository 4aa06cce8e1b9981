package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/stack"
)

// BackupFolderError is about a folder for backups that the service which takes them can't
// write into: root of its container is somebody else outside.
type BackupFolderError struct {
	Folder string
	Owner  string // whose it has to be, user and group as numbers
}

func (e *BackupFolderError) Error() string {
	return fmt.Sprintf("backup.destination: the service that takes backups can't write into %[1]s: root of containers is %[2]s outside on this engine, and the folder has to belong to that: chown -R %[2]s %[3]s",
		e.Folder, e.Owner, shellword.Quote(e.Folder))
}

// checkBackups refuses a folder that the service for backups is to have and can't write
// into. Where root of containers is root there is none.
func (r *Runtime) checkBackups(ctx context.Context, t *target) error {
	folder := backupFolder(t.wanted.Project)
	if folder == "" || t.backsUpInto(folder) {
		return nil
	}
	m, err := r.engineMake(ctx)
	if err != nil {
		return err
	}
	if maps, err := stack.MapsUsers(ctx, r.engine, m); err != nil || !maps {
		return err
	}
	if r.makesFolder(m, folder) {
		return nil
	}
	l, err := r.look(ctx, t.cluster.Name, cluster.Store{Folder: folder})
	if err != nil {
		return fmt.Errorf("backup.destination: %w", err)
	}
	if l.Closed != "" {
		return &BackupFolderError{folder, l.Root}
	}
	return nil
}

// makesFolder reports whether the engine makes a folder with the container that mounts it,
// for whom it is then. Podman does not say of one elsewhere whether it is there.
func (r *Runtime) makesFolder(m stack.Make, folder string) bool {
	if r.host() != "" {
		return m.Name == stack.Podman
	}
	_, err := os.Stat(folder)
	return errors.Is(err, fs.ErrNotExist)
}

// backupFolder is what the service for backups writes into; empty where there is none.
func backupFolder(p *types.Project) string {
	s := p.Services[cluster.BackupName]
	if s.Labels[stack.RoleLabel] != compose.RoleBackup {
		return ""
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && !v.ReadOnly {
			return v.Source
		}
	}
	return ""
}

// backsUpInto reports whether the service is there, and has this folder.
func (t *target) backsUpInto(folder string) bool {
	c, there := t.wanted.Current(t.state, cluster.BackupName)
	return there && slices.Contains(bindsOf(t.details[c.ID]), folder)
}
