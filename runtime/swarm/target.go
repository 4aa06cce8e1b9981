package swarm

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// monitor is how long Swarm looks at a new task until it takes an update for done,
// which nobody waits for.
const monitor = time.Second

// target is what is wanted of a swarm, beside what it holds.
type target struct {
	*found
	cluster *cluster.Cluster // with the members as they were founded
	members []member
	network string // its ID; empty: it is not there yet
	// confines tells that services can be kept from gaining privileges.
	confines bool
	image    string // by digest or ID; empty: the engine does not have it
}

// target puts together what is wanted and what there is, and makes nothing.
func (r *Runtime) target(ctx context.Context, want *cluster.Cluster) (*target, error) {
	f, err := r.look(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	as, err := runtime.AsStarted(ctx, r, want, f.state(r))
	if err != nil {
		return nil, err
	}
	t := &target{found: f, cluster: as, confines: versions.GreaterThanOrEqualTo(r.engine.ClientVersion(), confiningAPI)}
	if t.network, err = r.networkID(ctx, want.Name); err != nil {
		return nil, err
	}
	if t.image, err = r.pinned(ctx, want.Image); err != nil {
		return nil, err
	}
	known, err := r.objects(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, m := range as.Members {
		x, err := r.member(t, m, known)
		if err != nil {
			return nil, err
		}
		t.members = append(t.members, x)
	}
	return t, nil
}

func (r *Runtime) member(t *target, m cluster.Member, known map[string]string) (member, error) {
	x := member{Member: m, ref: t.cluster.Image, image: t.image}
	if s, ok := t.service(m.Name); ok && x.image == "" && s.Spec.Labels[imageLabel] == x.ref {
		x.image = s.Spec.TaskTemplate.ContainerSpec.Image // which it goes on to have
	}
	n, err := t.meant(m.Name, m.Node)
	if err != nil {
		return x, fmt.Errorf("%s: %w", m.Name, err)
	}
	x.node = n.ID
	if t.cluster.Data == cluster.Volume {
		x.store = place{n.ID, t.volume(m.Name, n.ID)}
	}
	if t.cluster.TLS != cluster.Mutual {
		return x, nil
	}
	dir := r.certsDir(t.cluster.Spec)
	for _, f := range compose.IdentityFiles() {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Of(m.Name))))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is made before anything is
		}
		if err != nil {
			return x, fmt.Errorf("cannot read the certificates of %s: %w", m.Name, err)
		}
		object := f.ObjectName(t.cluster.Name, data)
		x.files = append(x.files, file{IdentityFile: f, object: object, id: known[object], data: data})
	}
	return x, nil
}

// certsDir is the folder of a cluster's certificates.
func (r *Runtime) certsDir(spec cluster.Spec) string {
	dir := cmp.Or(spec.CertsDir, r.o.CertsDir)
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(r.o.Folder, dir)
}

// volume is the one with the data of a server on a node. A new one has a name that was
// never used: what may be left of it elsewhere is not for this cluster.
func (f *found) volume(server, node string) string {
	if h, ok := f.home(server); ok && h.node == node {
		return h.volume
	}
	return freshVolume(f.name, server)
}

// freshLetters is how many letters make the name of a volume one that no other has had.
const freshLetters = 6

func freshVolume(name, server string) string {
	return fmt.Sprintf("%s_%s-%s", name, compose.VolumeName(server), strings.ToLower(rand.Text()[:freshLetters]))
}

// networkID is the ID of the members' network; empty where there is none.
func (r *Runtime) networkID(ctx context.Context, name string) (string, error) {
	n, ok, err := r.findNetwork(ctx, name)
	if err != nil || !ok {
		return "", err
	}
	return n.ID, nil
}

func (r *Runtime) findNetwork(ctx context.Context, name string) (network.Summary, bool, error) {
	list, err := r.engine.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("name", networkName(name)).Add("scope", "swarm")})
	if err != nil {
		return network.Summary{}, false, fmt.Errorf("ask the swarm for its networks: %w", unavailable(err))
	}
	i := slices.IndexFunc(list.Items, func(n network.Summary) bool { return n.Name == networkName(name) }) // a filter takes parts of names, too
	if i < 0 {
		return network.Summary{}, false, nil
	}
	return list.Items[i], true, nil
}

func networkName(name string) string { return compose.NetworkOf(name) }

// pinned is an image by its digest, or by its ID where no registry has it: a tag would
// be asked for at each start of a task. It is empty where the engine does not have it.
func (r *Runtime) pinned(ctx context.Context, ref string) (string, error) {
	image, err := r.engine.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask the engine for the image %s: %w", ref, err)
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return image.ID, nil //nolint:nilerr // an ID
	}
	for _, digest := range image.RepoDigests {
		if has, err := reference.ParseNormalizedNamed(digest); err == nil && has.Name() == named.Name() {
			return digest, nil
		}
	}
	return image.ID, nil
}

// choose gives the members that are named, or all.
func (t *target) choose(servers []string) []member {
	if len(servers) == 0 {
		return t.members
	}
	return slices.DeleteFunc(slices.Clone(t.members), func(m member) bool { return !slices.Contains(servers, m.Name) })
}
