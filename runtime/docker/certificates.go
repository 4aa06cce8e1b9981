package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// view is what a running member sees of its certificates.
type view int

const (
	sighted view = iota // what is in the cluster's folder, or it has none
	blind               // nothing: its folder was deleted, and one of the same name is another one
	foreign             // another cluster's
)

// views looks at the members that run with mutual TLS, by name.
func (r *Runtime) views(ctx context.Context, t *target, own *stack.State) (map[string]view, error) {
	views := map[string]view{}
	if t.cluster.TLS != cluster.Mutual {
		return views, nil
	}
	ours, err := authorities(r.at(cmp.Or(t.cluster.Spec.CertsDir, r.o.CertsDir)))
	if err != nil {
		return nil, err
	}
	for _, c := range own.Members() {
		_, wanted := t.wanted.Project.Services[c.Service]
		in, known := t.details[c.ID]
		if !wanted || !known || !c.Running() || cluster.SettingsIn(in.Config.Env).Get("peer-trusted-ca-file") == "" {
			continue
		}
		if views[c.Service], err = r.view(ctx, c, in, ours); err != nil {
			return nil, err
		}
		if t.wanted.CopyFiles { // all have copies, which nobody deletes, and looking is slow
			break
		}
	}
	return views, nil
}

func (r *Runtime) view(ctx context.Context, c stack.Container, in container.InspectResponse, ours []byte) (view, error) {
	theirs, err := r.read(ctx, c, in, certsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return blind, nil
	case err != nil:
		return sighted, err
	case len(ours) == 0:
		return foreign, nil // it has certificates, and not of a folder that has none
	}
	shared, err := certs.ShareAuthority(ours, theirs)
	if err != nil {
		return sighted, fmt.Errorf("compare the authorities of %s: %w", c.Service, err)
	}
	if !shared {
		return foreign, nil
	}
	return sighted, nil
}

// read gives a file as a container's process sees it. An engine before 23 looks
// at the folders of this machine instead, which may have been made anew since.
// So the process itself is asked first, where that is possible.
func (r *Runtime) read(ctx context.Context, c stack.Container, in container.InspectResponse, file string) ([]byte, error) {
	local, err := r.seesFiles(ctx)
	if err != nil {
		return nil, err
	}
	if root := fmt.Sprintf("/proc/%d/root", pid(in)); local && pid(in) > 0 {
		_, err := os.Stat(root + cluster.ContainerCertsDir)
		data, errFile := os.ReadFile(root + file)
		if errFile == nil || err == nil && errors.Is(errFile, fs.ErrNotExist) {
			return data, errFile
		}
	}
	return stack.ReadFile(ctx, r.engine, c, file)
}

func pid(in container.InspectResponse) int {
	if in.State == nil {
		return 0
	}
	return in.State.Pid
}

// authorities are those that the members trust which a folder has certificates
// for; empty where there are none yet.
func authorities(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "members", "*", "peer", certs.CAFile))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("cannot read the members' authorities: %w", err)
	}
	return data, nil
}
