package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// home is where a server has its data.
type home struct {
	container string // its ID, empty when there is none
	runs      bool
	pid       int           // of its process on the engine's machine, while it runs
	store     cluster.Store // what the data is in; not given when it goes with the container
	dir       string        // the data directory
	wal       string        // where etcd looks whether it starts for the first time
	split     bool          // the log is not in the data directory
	image     string        // of its container, or of another server where it has none; may be empty
	binds     []string      // what the container mounts of its machine besides that
}

// home finds a server's data; false when nothing of the server is there.
func (f *found) home(server string) (home, bool) {
	h := home{dir: cluster.ContainerDataDir}
	if c, ok := f.Own.Service(server); ok {
		in, known := f.details[c.ID]
		if !known {
			return h, false
		}
		s := cluster.SettingsIn(in.Config.Env)
		h.container, h.runs, h.pid, h.store, h.image = c.ID, c.Running(), pid(in), storeOf(in), c.ImageID
		h.binds = slices.DeleteFunc(bindsOf(in), func(path string) bool { return path == h.store.Folder })
		if dir := s.Get("data-dir"); dir != "" {
			h.dir = dir
		}
		h.wal, h.split = s.Get("wal-dir"), s.Get("wal-dir") != ""
	} else {
		for _, v := range f.Own.Volumes {
			if v.Key == compose.VolumeName(server) {
				h.store = cluster.Store{Volume: v.Name}
			}
		}
		if lent, ok := f.lent[server]; ok {
			h.store = lent
		}
		if len(f.Own.Containers) > 0 {
			h.image = f.Own.Containers[0].ImageID
		}
	}
	if h.wal == "" {
		h.wal = path.Join(h.dir, "member", "wal")
	}
	return h, h.container != "" || h.store.Given()
}

// Data looks whether etcd would go on from what a server has: its write-ahead
// log is there.
func (r *Runtime) Data(ctx context.Context, name, server string) (runtime.Data, error) {
	f, err := r.find(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return runtime.None, nil
	}
	if err != nil {
		return runtime.Unknown, err
	}
	h, ok := f.home(server)
	switch {
	case !ok:
		return runtime.None, nil
	case !h.store.Given():
		return runtime.Volatile, nil
	}
	there, err := r.exists(ctx, name, h, h.wal)
	if err != nil {
		return runtime.Unknown, err
	}
	if !there {
		return runtime.None, nil
	}
	return runtime.Kept, nil
}

var _ runtime.Looker = (*Runtime)(nil)

// Blank looks into the database with the eyes of a container.
func (r *Runtime) Blank(ctx context.Context, name, server string) (bool, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return false, err
	}
	h, ok := f.home(server)
	if !ok || h.runs || !h.store.Given() || h.dir != cluster.ContainerDataDir || h.split {
		return false, nil
	}
	l, err := r.look(ctx, name, h.store)
	return l.Blank, err
}

// DataSize asks the engine for the file's size, of a server that has a container.
func (r *Runtime) DataSize(ctx context.Context, name, server string) (int64, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return 0, err
	}
	h, ok := f.home(server)
	if !ok || h.container == "" || !h.store.Given() {
		return 0, nil
	}
	file := path.Join(h.dir, "member", "snap", "db")
	info, err := r.engine.ContainerStatPath(ctx, h.container, client.ContainerStatPathOptions{Path: file})
	if errdefs.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s on the engine: %w", file, err)
	}
	return info.Stat.Size, nil
}

// exists looks for a file or folder of a server, through a container that is never started
// where the server has none, or has one that the engine can't look into. That may be of any
// image, and to pack etcdctr's own takes longer than all the rest.
func (r *Runtime) exists(ctx context.Context, name string, h home, file string) (bool, error) {
	if h.container != "" {
		if there, known, err := r.inContainer(ctx, h, file); err != nil || known {
			return there, err
		}
		if !h.store.Given() {
			return false, fmt.Errorf("look for %s: %w", file, errUnseen)
		}
	}
	if h.image != "" {
		there, err := r.existsFor(ctx, h.image, name, h, file)
		if !errdefs.IsNotFound(err) { // somebody may have removed the image by force
			return there, err
		}
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return false, err
	}
	return r.existsFor(ctx, image, name, h, file)
}

// inContainer looks for a file in a server's container, and tells whether that can be known
// there.
func (r *Runtime) inContainer(ctx context.Context, h home, file string) (there, known bool, err error) {
	if there, known, err := r.lookIn(ctx, h, file); err != nil || known {
		return there, known, err
	}
	if gone, err := r.goneOf(ctx, h.binds); err != nil || len(gone) > 0 {
		return false, false, err
	}
	return r.stat(ctx, h.container, file)
}

// existsFor looks for a file as a container of an image sees it.
func (r *Runtime) existsFor(ctx context.Context, image, name string, h home, file string) (there bool, err error) {
	err = helper(name, image, h, setAsideProgram).With(ctx, r.engine, func(id string) (err error) {
		there, _, err = r.stat(ctx, id, file) // what its folder is not there for is not there
		return err
	})
	return there, err
}

// lookIn looks for a file where the process of a container on this machine sees it. An
// engine that is asked instead makes each folder that the container mounts and that is
// gone by now: those of the certificates, where somebody has moved them away.
func (r *Runtime) lookIn(ctx context.Context, h home, file string) (there, known bool, err error) {
	if h.pid == 0 {
		return false, false, nil
	}
	if local, err := r.seesFiles(ctx); err != nil || !local {
		return false, false, err
	}
	root := fmt.Sprintf("/proc/%d/root", h.pid)
	if _, err := os.Stat(root + h.dir); err != nil {
		return false, false, nil //nolint:nilerr // the engine is asked, and tells why
	}
	_, err = os.Stat(root + file)
	return err == nil, err == nil || errors.Is(err, fs.ErrNotExist), nil
}

func helper(name, image string, h home, command ...string) stack.Helper {
	return stack.Helper{Project: name, Image: image, Volume: h.store.Volume, Folder: h.store.Folder, Target: cluster.ContainerVolumeDir, Command: command}
}

// bindsOf are the files and folders of its machine that a container mounts.
func bindsOf(in container.InspectResponse) []string {
	var all []string
	for _, m := range in.Mounts {
		if m.Type == mount.TypeBind {
			all = append(all, m.Source)
		}
	}
	return all
}

// goneOf are those of paths that are not on this machine, where the engine mounts its files.
// One that it mounts by the older of its two ways it makes instead, as an empty folder of
// root's: also when it is only asked for a file of a container.
func (r *Runtime) goneOf(ctx context.Context, paths []string) ([]string, error) {
	gone := slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist)
	})
	if len(gone) == 0 {
		return nil, nil
	}
	if local, err := r.seesFiles(ctx); err != nil || !local {
		return nil, err
	}
	return gone, nil
}

// errUnseen: see looksInto.
var errUnseen = errors.New("the engine can't look into a container while a folder or file that it mounts is not there: `docker start` says which one")

// stat looks for a file in a container. An engine says of both that they are not
// found; of a container that is gone, or that it can't look into, nothing is known.
func (r *Runtime) stat(ctx context.Context, container, file string) (there, known bool, err error) {
	_, err = r.engine.ContainerStatPath(ctx, container, client.ContainerStatPathOptions{Path: file})
	if errdefs.IsNotFound(err) {
		known, err = r.looksInto(ctx, container)
		if err == nil {
			return false, known, nil
		}
	}
	if err != nil {
		return false, false, fmt.Errorf("look for %s on the engine: %w", file, err)
	}
	return true, true, nil
}

// looksInto tells whether the engine can look into a container. It mounts what the container
// does for that, and where one of those is not there, such as the folder of certificates
// that somebody has moved away, it says of every file that it is not found.
func (r *Runtime) looksInto(ctx context.Context, container string) (bool, error) {
	_, err := r.engine.ContainerStatPath(ctx, container, client.ContainerStatPathOptions{Path: "/"})
	if !errdefs.IsNotFound(err) {
		return err == nil, err
	}
	_, err = r.engine.ContainerInspect(ctx, container, client.ContainerInspectOptions{})
	return false, err
}

// SetAside renames the data directory of a stopped server within its volume or folder.
func (r *Runtime) SetAside(ctx context.Context, name, server string) (where string, err error) {
	h, err := r.resting(ctx, name, server)
	if err != nil || !h.store.Given() {
		return "", err
	}
	aside, err := r.setAside(ctx, name, server, h, false)
	return h.at(aside), err
}

// at says where a folder of a server is: its path is one in the server.
func (h home) at(path string) string {
	if path == "" {
		return ""
	}
	return path + " in " + h.store.String()
}

// resting finds the data of a server that does not run.
func (r *Runtime) resting(ctx context.Context, name, server string) (home, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return home{}, err
	}
	h, ok := f.home(server)
	switch {
	case !ok:
		return h, &runtime.UnknownError{Name: name, Servers: []string{server}, Has: services(f.Own.Containers)}
	case h.runs:
		return h, fmt.Errorf("%s runs: its data can't be set aside before it is stopped", server)
	case h.store.Given() && h.split:
		return h, fmt.Errorf("%s has a wal-dir of its own, %s: its data can't be set aside as one", server, h.wal)
	}
	chosen, err := f.choose([]string{server})
	if err != nil { // it has data, and no container
		return h, nil
	}
	return h, r.keepStopped(ctx, f, chosen)
}

// setAside gives the new name of the data directory; empty when there is no data. What
// takes its place may be of a restoration.
func (r *Runtime) setAside(ctx context.Context, name, server string, h home, restored bool) (string, error) {
	there, err := r.exists(ctx, name, h, path.Join(h.dir, "member"))
	if err != nil || !there {
		return "", err
	}
	all, err := r.keptIn(ctx, name, server, h)
	if err != nil {
		return "", err
	}
	var folders []string
	for _, k := range all {
		folders = append(folders, k.folder)
	}
	aside := datadir.Aside(h.dir, r.o.Now(), folders)
	r.tell(runtime.Event{Server: server, Action: "set data aside", Detail: aside})
	if err := r.rename(ctx, name, h, h.dir, aside); err != nil {
		return "", fmt.Errorf("set the data of %s aside: %w", server, err)
	}
	r.putAside(ctx, name, server, aside, restored)
	r.tell(runtime.Event{Server: server, Action: "set data aside", Detail: aside, Done: true})
	return aside, nil
}

// rename renames a folder in a server's volume.
func (r *Runtime) rename(ctx context.Context, name string, h home, from, to string) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	return helper(name, image, h, setAsideProgram, from, to).Run(ctx, r.engine)
}
