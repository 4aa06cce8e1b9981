package docker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// wishLabel notes what a cluster was started with.
const wishLabel = "io.etcdctr.wish"

// target is what is wanted of an engine, beside what it holds.
type target struct {
	cluster *cluster.Cluster // with the members as they were founded
	wanted  stack.Wanted
	state   *stack.State
	details map[string]container.InspectResponse // of the cluster's containers, by ID
}

// target renders what is wanted and looks at what there is. Images are those
// that the engine has.
func (r *Runtime) target(ctx context.Context, want *cluster.Cluster) (*target, error) {
	have, err := r.Observe(ctx, want.Name)
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return nil, err
	}
	return r.targetBeside(ctx, want, have)
}

// targetBeside is target where somebody has just observed the cluster; nil: there
// was none.
func (r *Runtime) targetBeside(ctx context.Context, want *cluster.Cluster, have *runtime.State) (*target, error) {
	copies, err := r.seesFiles(ctx)
	if err != nil {
		return nil, err
	}
	as := want
	if have != nil {
		if as, err = runtime.AsStarted(ctx, r, want, have); err != nil {
			return nil, err
		}
	}
	said := as.Founding() // as the file that Docker Compose may start it by
	p, err := r.rendered(ctx, said)
	if err != nil {
		return nil, err
	}
	t := &target{cluster: as, wanted: stack.Wanted{
		Project: p, CopyFiles: !copies, Own: true, Labels: labels(want), StartInterval: as.Upkeep.Health.StartInterval,
		Environment: besides(as, said),
	}}
	s, details, err := r.seen(ctx, p.Name, have)
	if err != nil {
		return nil, err
	}
	t.details = details
	if t.state, err = s.For(ctx, r.engine, t.wanted); err != nil {
		return nil, err
	}
	t.wanted.Images, err = r.imagesThere(ctx, t)
	return t, err
}

// besides are the variables of members that have another value than a file says: those
// that wait for the others, should they ever start without their data.
func besides(as, said *cluster.Cluster) map[string]map[string]string {
	all := map[string]map[string]string{}
	for i, m := range as.Members {
		for _, x := range m.Settings {
			if said.Members[i].Settings.Get(x.Name) != x.Value {
				all[m.Name] = map[string]string{x.Env(): x.Value}
			}
		}
	}
	return all
}

// labels are what the containers carry besides Compose's.
func labels(want *cluster.Cluster) map[string]string {
	wish := want.Spec.Wish()
	if wish == "" {
		return nil
	}
	return map[string]string{wishLabel: wish}
}

// imagesThere gives the IDs of the images that the engine has. One that it has no
// longer is still that of a container that was made of it.
func (r *Runtime) imagesThere(ctx context.Context, t *target) (map[string]string, error) {
	ids := map[string]string{}
	for _, ref := range stack.ImageRefs(t.wanted.Project) {
		id, err := stack.ImageID(ctx, r.engine, ref)
		if err != nil {
			return nil, err
		}
		ids[ref] = id
	}
	for _, c := range t.state.Containers {
		if id, wanted := ids[c.Image]; wanted && id == "" {
			ids[c.Image] = c.ImageID
		}
	}
	return ids, nil
}

// rendering is a cluster, as JSON, and the project that it is.
type rendering struct {
	of      []byte
	project *types.Project
}

// fewRenderings is how many are kept: what is wanted, and that as a member joins it or
// as a release on the way has it.
const fewRenderings = 4

// rendered is project, which costs more than most questions to an engine, once as
// long as the same few are wanted. Nobody edits what it gives.
func (r *Runtime) rendered(ctx context.Context, c *cluster.Cluster) (*types.Project, error) {
	of, err := json.Marshal(c) // its content: whoever has c may edit it
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.renderings, func(x rendering) bool { return bytes.Equal(x.of, of) }); i >= 0 {
		return r.renderings[i].project, nil
	}
	p, err := r.project(ctx, c)
	if err != nil {
		return nil, err
	}
	r.renderings = append([]rendering{{of, p}}, r.renderings[:min(len(r.renderings), fewRenderings-1)]...)
	return p, nil
}

// project is the one that `etcdctr compose` prints, as Compose loads it in the
// cluster's folder.
func (r *Runtime) project(ctx context.Context, c *cluster.Cluster) (*types.Project, error) {
	if r.o.File != nil {
		return r.o.File.with(c), nil
	}
	options := compose.Options{CertsDir: cmp.Or(c.Spec.CertsDir, r.o.CertsDir), DNSDir: r.o.DNSDir, MonitoringDir: r.o.MonitoringDir}.Of(c, r.at)
	return compose.Loaded(ctx, compose.Project(c, options), r.o.Folder)
}

// at is a path that is meant from the cluster's folder, with slashes; empty for
// an empty one.
func (r *Runtime) at(path string) string {
	switch {
	case path == "":
		return ""
	case filepath.IsAbs(path):
		return filepath.ToSlash(filepath.Clean(path))
	}
	return filepath.ToSlash(filepath.Join(r.o.Folder, path))
}

// AsStarted is runtime.AsStarted.
func AsStarted(ctx context.Context, r runtime.Runtime, want *cluster.Cluster, have *runtime.State) (*cluster.Cluster, error) {
	return runtime.AsStarted(ctx, r, want, have)
}
