package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// lookingEngine runs one helper after the other, which look at a folder and see the same.
type lookingEngine struct {
	Engine   // nil: what is not here must not be called
	host     string
	security []string
	sees     string
	looked   []string
}

func (e *lookingEngine) DaemonHost() string { return e.host }

func (e *lookingEngine) Info(context.Context, client.InfoOptions) (client.SystemInfoResult, error) {
	return client.SystemInfoResult{Info: system.Info{SecurityOptions: e.security}}, nil
}

func (e *lookingEngine) ContainerCreate(_ context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	e.looked = append(e.looked, o.HostConfig.Mounts[0].Source)
	return client.ContainerCreateResult{ID: "helper"}, nil
}

func (*lookingEngine) ContainerInspect(context.Context, string, client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	ended := &container.State{Status: container.StateExited}
	return client.ContainerInspectResult{Container: container.InspectResponse{State: ended}}, nil
}

func (*lookingEngine) ContainerStart(context.Context, string, client.ContainerStartOptions) (r client.ContainerStartResult, err error) {
	return r, nil
}

func (e *lookingEngine) ContainerLogs(context.Context, string, client.ContainerLogsOptions) (client.ContainerLogsResult, error) {
	frame := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(e.sees)))
	return io.NopCloser(bytes.NewReader(append(frame, e.sees...))), nil
}

func (*lookingEngine) ContainerRemove(context.Context, string, client.ContainerRemoveOptions) (r client.ContainerRemoveResult, err error) {
	return r, nil
}

// Only where root of containers is somebody else it is looked whether that may write.
func TestAFolderForBackupsThatTheirServiceCannotWriteIsRefused(t *testing.T) {
	const (
		local, far = "unix:///run/docker.sock", "tcp://203.0.113.1:2376"
		closed     = `{"closed": "permission denied", "root": "200000:200001", "member": {}}`
		open       = `{"root": "200000:200001", "member": {}}`
	)
	folder := filepath.Join(t.TempDir(), "all backups")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	mapped, rootless := []string{"name=seccomp,profile=default", "name=userns"}, []string{"name=rootless"}
	refused := &BackupFolderError{Folder: folder, Owner: "200000:200001"}
	for what, test := range map[string]struct {
		host     string
		security []string
		folder   string
		sees     string
		has      string // the folder of a service that is there
		looks    bool
		want     error
	}{
		"root is root":               {host: local, folder: folder, sees: closed},
		"users are mapped":           {host: local, security: mapped, folder: folder, sees: closed, looks: true, want: refused},
		"users are mapped elsewhere": {host: far, security: mapped, folder: folder, sees: closed, looks: true, want: refused},
		"the engine is not root's":   {host: local, security: rootless, folder: folder, sees: closed, looks: true, want: refused},
		"it can write":               {host: local, security: mapped, folder: folder, sees: open, looks: true},
		"the engine makes it":        {host: local, security: mapped, folder: folder + "/none", sees: closed},
		"the service has it":         {host: local, security: mapped, folder: folder, sees: closed, has: folder},
		"the service has another":    {host: local, security: mapped, folder: folder, sees: closed, has: "/old", looks: true, want: refused},
		"they go into no folder":     {host: local, security: mapped, sees: closed},
	} {
		e := &lookingEngine{host: test.host, security: test.security, sees: test.sees}
		r, no := New(Options{Engine: e}), false
		r.made, r.local = &stack.Make{}, &no
		err := r.checkBackups(t.Context(), backedUp(test.folder, test.has))
		var got *BackupFolderError
		if errors.As(err, &got); (err == nil) != (test.want == nil) || test.want != nil && !cmp.Equal(got, refused) {
			t.Errorf("%s: it gives %v", what, err)
		}
		if looks := len(e.looked) == 1 && e.looked[0] == folder; looks != test.looks || !looks && len(e.looked) > 0 {
			t.Errorf("%s: it looks at %v", what, e.looked)
		}
	}
	if text := refused.Error(); !strings.HasPrefix(text, "backup.destination: ") || !strings.HasSuffix(text, "chown -R 200000:200001 '"+folder+"'") {
		t.Errorf("it says %s", text)
	}
}

// backedUp is a project whose service for backups writes into a folder, and what there is
// of it: nothing, or a container that has a folder.
func backedUp(folder, has string) *target {
	service := types.ServiceConfig{Name: cluster.BackupName}
	service.Labels = types.Labels{stack.RoleLabel: compose.RoleBackup}
	if folder != "" {
		service.Volumes = []types.ServiceVolumeConfig{
			{Type: types.VolumeTypeBind, Source: "/certs", ReadOnly: true}, {Type: types.VolumeTypeBind, Source: folder},
		}
	}
	t := &target{cluster: &cluster.Cluster{Name: "orders"}, state: &stack.State{Project: "orders"}, wanted: stack.Wanted{
		Project: &types.Project{Name: "orders", Services: types.Services{cluster.BackupName: service}},
	}}
	if has != "" {
		t.state.Containers = []stack.Container{{ID: "1", Service: cluster.BackupName, Number: 1}}
		t.details = map[string]container.InspectResponse{"1": {Mounts: []container.MountPoint{{Type: "bind", Source: has}}}}
	}
	return t
}
