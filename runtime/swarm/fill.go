package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var (
	_ runtime.Filler    = (*Runtime)(nil)
	_ runtime.FillTrier = (*Runtime)(nil)
	_ runtime.Stager    = (*Runtime)(nil)
)

// TryFill runs this program's image on the nodes of all members.
func (r *Runtime) TryFill(ctx context.Context, want *cluster.Cluster) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	members := slices.Clone(t.members)
	for i, m := range members {
		if why := t.nodes.away(t.nodes.byID(m.node)); why != "" {
			return &runtime.AwayError{Server: m.Name, Machine: m.Node, Err: errors.New(why)}
		}
		members[i].image, members[i].ref = image, compose.OwnImage
	}
	return r.tryImages(ctx, t, members)
}

// Fill puts files into a volume that is new on the member's node, and has the member use
// it from then on. The former one stays as it is, and is noted as set aside.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	t, fresh, err := r.fill(ctx, want, server, files, func(*target, home) error { return nil })
	if err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	where, err := r.move(ctx, t.found, server, fresh, func(is *note) { is.wish, is.folder = t.cluster.Spec.Wish(), r.o.Folder })
	if err != nil {
		return where, fmt.Errorf("fill the data of %s: %w", server, err)
	}
	return where, nil
}

// Stage puts files into such a volume, and notes it: without a mark before they come, so
// that a volume of which not all has arrived is found again.
func (r *Runtime) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	files := tarfolder.Made(made.Dir, made.Database)
	defer files.Close()
	mark, err := by.Mark()
	if err != nil {
		return err
	}
	if err := r.Unstage(ctx, want.Name, server); err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	note := func(t *target, fresh home, mark string) error {
		return r.edit(ctx, want.Name, func(is *note) {
			is.staged[server] = staged{fresh, mark}
			is.wish, is.folder = t.cluster.Spec.Wish(), r.o.Folder
		})
	}
	t, fresh, err := r.fill(ctx, want, server, files, func(t *target, fresh home) error { return note(t, fresh, "") })
	if err == nil {
		err = note(t, fresh, string(mark))
	}
	if err != nil {
		return fmt.Errorf("fill the data of %s: %w", server, err)
	}
	return nil
}

// unstage leaves the volume that was staged of a server to be deleted.
func (n *note) unstage(server string) {
	if s, ok := n.staged[server]; ok {
		n.empty[server] = append(slices.Clone(n.empty[server]), s.place)
		delete(n.staged, server)
	}
}

// edit writes the note as it is to be, from what it is now.
func (r *Runtime) edit(ctx context.Context, name string, edit func(*note)) error {
	r.noting.Lock()
	defer r.noting.Unlock()
	now, err := r.look(ctx, name) // others may be noted at the same time
	if err != nil {
		return err
	}
	is := now.note.copied()
	edit(&is)
	return r.write(ctx, name, now.note, is)
}

// Exchange has the member use the volume that was staged.
func (r *Runtime) Exchange(ctx context.Context, want *cluster.Cluster, server string) (string, error) {
	f, err := r.find(ctx, want.Name)
	if err != nil {
		return "", err
	}
	if err := f.resting(server); err != nil {
		return "", err
	}
	made, ok := f.note.staged[server]
	if !ok || made.mark == "" {
		return "", fmt.Errorf("no data is staged for %s", server)
	}
	if err := r.mount(ctx, f, server, made.volume); err != nil { // as long as the note tells that it is not finished
		return "", err
	}
	return r.move(ctx, f, server, made.home, func(is *note) {
		delete(is.staged, server)
		is.made[server] = made.mark
	})
}

// Retract has the member use the volume that it had before, and notes the other as
// staged. That is one change of the note.
func (r *Runtime) Retract(ctx context.Context, name, server, where string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	if err := f.resting(server); err != nil {
		return err
	}
	now, there := f.home(server)
	former := home{image: now.image}
	if where != "" {
		if former.place, err = f.setAsideAt(server, where); err != nil {
			return err
		}
	} else {
		former.place = place{now.node, freshVolume(name, server)}
	}
	mark, made := f.note.made[server]
	if !there || !made {
		return fmt.Errorf("the data of %s was made by no restoration", server)
	}
	if err := r.mount(ctx, f, server, former.volume); err != nil {
		return err
	}
	return r.edit(ctx, name, func(is *note) {
		is.staged[server] = staged{now, mark}
		is.use(server, former, is.takeFromAside(server, former.place))
	})
}

// mount has a server's service use a volume, if there is one.
func (r *Runtime) mount(ctx context.Context, f *found, server, volume string) error {
	s, there := f.service(server)
	if !there || volumeOf(s) == volume {
		return nil
	}
	_, err := r.update(ctx, s, func(spec swarm.ServiceSpec) swarm.ServiceSpec { return withVolume(spec, volume) })
	return err
}

// Unstage deletes what is in the volume that was staged, and here the volume, too: those of
// other nodes, which no manager deletes, go with the cluster. An exchange that was ended may
// have had the service use it already.
func (r *Runtime) Unstage(ctx context.Context, name, server string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	if h, ok := f.note.homes[server]; ok {
		if err := r.mount(ctx, f, server, h.volume); err != nil {
			return err
		}
	}
	was, ok := f.note.staged[server]
	if !ok {
		return nil
	}
	if err := r.edit(ctx, name, func(is *note) { is.unstage(server) }); err != nil {
		return err
	}
	return r.vacate(ctx, f, server, was.place)
}

// vacate deletes what is in a volume that nobody uses any more. Where its node can't be
// had do it, it goes with the cluster.
func (r *Runtime) vacate(ctx context.Context, f *found, server string, p place) error {
	if p.node != f.own {
		if f.nodes.away(f.nodes.byID(p.node)) != "" {
			return nil
		}
		image, err := r.ownImage(ctx)
		if err != nil {
			return err
		}
		_, err = r.perform(ctx, f.vacating(server, p, image))
		return err
	}
	if err := r.clearJobs(ctx, f.name); err != nil {
		return err
	}
	if err := r.deleteVolume(ctx, f, server, p); err != nil {
		return err
	}
	return r.edit(ctx, f.name, func(is *note) {
		is.empty[server] = slices.DeleteFunc(slices.Clone(is.empty[server]), func(e place) bool { return e == p })
	})
}

// vacating is the job that deletes what a server has kept in a volume.
func (f *found) vacating(server string, p place, image string) job {
	s, there := f.service(server)
	return job{
		cluster: f.name, what: "vacate", node: p.node, image: image, ref: compose.OwnImage, volume: p.volume,
		command: []string{setAsideProgram, "--remove", dirOf(s, there)},
	}
}

// setAsideProgram is where this program's image has what deletes a folder, see package
// multicall.
const setAsideProgram = "/usr/local/bin/setaside"

// Staged reads the note.
func (r *Runtime) Staged(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	s, ok := f.note.staged[server]
	if !ok || s.mark == "" {
		return nil, nil
	}
	return runtime.ReadMark([]byte(s.mark))
}

// MadeBy reads the note.
func (r *Runtime) MadeBy(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	mark, ok := f.note.made[server]
	if !ok {
		return nil, nil
	}
	return runtime.ReadMark([]byte(mark))
}

// Remark edits the note.
func (r *Runtime) Remark(ctx context.Context, name, server string, by runtime.Restoration) error {
	mark, err := by.Mark()
	if err != nil {
		return err
	}
	return r.edit(ctx, name, func(is *note) { is.made[server] = string(mark) })
}

// AsideMadeBy reads the note.
func (r *Runtime) AsideMadeBy(ctx context.Context, name, server, where string) (*runtime.Restoration, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	p, err := f.setAsideAt(server, where)
	if err != nil {
		return nil, err
	}
	mark, ok := f.note.asideBy[p.volume]
	if !ok {
		return nil, nil
	}
	return runtime.ReadMark([]byte(mark))
}

// fill puts files into a volume that is new on the member's node, and tells before.
func (r *Runtime) fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader, begin func(*target, home) error) (*target, home, error) {
	if want.Data == cluster.Memory {
		return nil, home{}, fmt.Errorf("%s keeps its data in memory: nothing can be put there before it starts", server)
	}
	t, err := r.toFill(ctx, want)
	if err != nil {
		return nil, home{}, err
	}
	members := t.choose([]string{server})
	if len(members) == 0 {
		return nil, home{}, &runtime.UnknownError{Name: want.Name, Servers: []string{server}, Has: t.servers()}
	}
	m := members[0]
	if err := t.resting(server); err != nil {
		return nil, home{}, err
	}
	own, err := r.ownerOf(ctx, want)
	if err != nil {
		return nil, home{}, err
	}
	fresh := home{place{m.node, freshVolume(t.name, server)}, m.image}
	if err := begin(t, fresh); err != nil {
		return nil, home{}, err
	}
	host := t.nodes.hostname(m.node)
	done := r.doing(server, "fill", aside(fresh.volume, host))
	l := load{cluster: t.name, network: t.network, server: server, place: fresh.place, host: host, dir: dataDir(m.Member), owner: own}
	if err := r.put(ctx, l, files); err != nil {
		return nil, home{}, errors.Join(err, r.deleteVolume(context.WithoutCancel(ctx), t.found, server, fresh.place))
	}
	done()
	return t, fresh, nil
}

// toFill finds what files come to the nodes by. That is made once, however many are filled
// at the same time.
func (r *Runtime) toFill(ctx context.Context, want *cluster.Cluster) (*target, error) {
	r.connecting.Lock()
	defer r.connecting.Unlock()
	t, err := r.target(ctx, want)
	if err == nil {
		err = r.connect(ctx, t)
	}
	return t, err
}

// dataDir is where a member has its data in its volume.
func dataDir(m cluster.Member) string {
	if dir := m.Settings.Get("data-dir"); dir != "" {
		return dir
	}
	return cluster.ContainerDataDir
}

// resting makes sure that a server does not run.
func (f *found) resting(server string) error {
	s, there := f.service(server)
	if _, runs := f.live(f.tasks[s.ID]); there && runs {
		return fmt.Errorf("%s runs: its data can't be exchanged before it is stopped", server)
	}
	return nil
}

// move has a server use a volume from now on, and notes where it had data before, if it
// had any.
func (r *Runtime) move(ctx context.Context, f *found, server string, to home, edit func(*note)) (where string, err error) {
	was, noted := f.home(server)
	data := runtime.None
	if noted {
		if data, err = r.Data(ctx, f.name, server); err != nil {
			return "", err
		}
	}
	err = r.edit(ctx, f.name, func(is *note) {
		mark := is.takeFromAside(server, to.place)
		switch {
		case !noted || data == runtime.Volatile:
		case data == runtime.None:
			is.empty[server] = append(slices.Clone(is.empty[server]), was.place)
		default:
			is.putAside(server, was.place, r.o.Now())
			where = aside(was.volume, f.nodes.hostname(was.node))
		}
		is.use(server, to, mark)
		edit(is)
	})
	if err != nil {
		return "", err
	}
	if f, err = r.find(ctx, f.name); err != nil { // a service that was changed has another version
		return where, err
	}
	return where, r.mount(ctx, f, server, to.volume)
}

// Files gives what is in the data of a server that does not run, from its node.
func (r *Runtime) Files(ctx context.Context, name, server string) (io.ReadCloser, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := f.resting(server); err != nil {
		return nil, err
	}
	h, kept := f.home(server)
	if !kept {
		return nil, &runtime.UnknownError{Name: name, Servers: []string{server}, Has: f.servers()}
	}
	if why := f.nodes.away(f.nodes.byID(h.node)); why != "" {
		return nil, &runtime.AwayError{Server: server, Machine: f.nodes.hostname(h.node), Err: errors.New(why)}
	}
	n, ok, err := r.findNetwork(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the swarm has no network %s, over which the data of %s would come: `etcdctr up` makes it", networkName(name), server)
	}
	s, there := f.service(server)
	return r.get(ctx, load{cluster: name, network: n.ID, server: server, place: h.place, host: f.nodes.hostname(h.node), dir: dirOf(s, there)}), nil
}

// Etcd copies the program out of the image that a server is to run, which the engine
// that is asked has, too.
func (r *Runtime) Etcd(ctx context.Context, want *cluster.Cluster, _, dir string) (string, error) {
	image, err := r.pinned(ctx, want.Image)
	if err != nil || image == "" {
		return "", err
	}
	file := filepath.Join(dir, "etcd")
	err = stack.Helper{Project: want.Name, Image: image, Command: []string{cluster.ProgramInImage}}.With(ctx, r.engine, func(id string) error {
		is, err := stack.CopyProgram(ctx, r.engine, id, cluster.ProgramInImage, file)
		if err == nil && !is {
			file = ""
		}
		return err
	})
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	return file, err
}

// BringBack has a server use a volume again that was set aside of it.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	if err := f.resting(server); err != nil {
		return err
	}
	former, err := f.setAsideAt(server, where)
	if err != nil {
		return err
	}
	was, _ := f.home(server)
	if was.node != former.node && was.node != "" {
		return fmt.Errorf("%s is on another node than %s, which is now on %s: give it that node in the file first", where, server, f.nodes.hostname(was.node))
	}
	_, err = r.move(ctx, f, server, home{former, was.image}, func(*note) {})
	return err
}
