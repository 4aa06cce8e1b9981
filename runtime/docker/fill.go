package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var (
	_ runtime.Filler    = (*Runtime)(nil)
	_ runtime.Stager    = (*Runtime)(nil)
	_ runtime.FillTrier = (*Runtime)(nil)
)

// TryFill makes the image of what fills volumes, and exchanges what is in them.
func (r *Runtime) TryFill(ctx context.Context, _ *cluster.Cluster) error {
	_, err := r.ownImage(ctx)
	return err
}

// Fill copies files into the server's volume, beside its data, through a
// container that is never started, and then changes the names. They belong to
// root, as which members run.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	h, err := r.fill(ctx, want, server, nil, files)
	if err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	return r.exchange(ctx, want, server, h, false)
}

// Stage does the same, and does not change the names.
func (r *Runtime) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	files := tarfolder.Made(made.Dir, made.Database)
	defer files.Close()
	mark, err := by.Mark()
	if err == nil {
		_, err = r.fill(ctx, want, server, mark, files)
	}
	if err != nil {
		return fmt.Errorf("fill the data of %s: %w", server, err)
	}
	return nil
}

// fill copies files, and last of all the mark, beside the server's data.
func (r *Runtime) fill(ctx context.Context, want *cluster.Cluster, server string, mark []byte, files io.Reader) (home, error) {
	h, err := r.toFill(ctx, want, server)
	if err != nil {
		return h, err
	}
	own, err := r.ownerOf(ctx, want, server)
	if err != nil {
		return h, err
	}
	r.tell(runtime.Event{Server: server, Action: "fill", Detail: h.store.String()})
	err = r.clear(ctx, want.Name, h)
	if err == nil {
		err = r.copyInto(ctx, want.Name, h, own, mark, files)
	}
	if err == nil {
		r.tell(runtime.Event{Server: server, Action: "fill", Detail: h.store.String(), Done: true})
	}
	return h, err
}

// toFill finds what a server that does not run has its data in, or makes it: once, for
// what several share that are filled at the same time.
func (r *Runtime) toFill(ctx context.Context, want *cluster.Cluster, server string) (home, error) {
	r.filling.Lock()
	defer r.filling.Unlock()
	if want.Data == cluster.Memory {
		return home{}, fmt.Errorf("%s keeps its data in memory: nothing can be put there before it starts", server)
	}
	r.remember(want)
	h, err := r.resting(ctx, want.Name, server)
	if unknown := (*runtime.UnknownError)(nil); errors.Is(err, runtime.ErrNotFound) || errors.As(err, &unknown) {
		if err := r.prepareVolumes(ctx, want); err != nil {
			return h, err
		}
		h, err = r.restingOrLent(ctx, want.Name, server)
	}
	if err == nil && !h.store.Given() {
		err = errors.New("its data goes with its container")
	}
	return h, err
}

// prepareVolumes is Prepare, and makes what servers are to have their data in.
func (r *Runtime) prepareVolumes(ctx context.Context, want *cluster.Cluster) error {
	t, err := r.prepare(ctx, want)
	if err != nil {
		return err
	}
	p, err := stack.PlanVolumes(t.wanted, t.state)
	if err != nil {
		return err
	}
	return r.execute(ctx, p)
}

// exchange has what was filled, by a restoration or not, take the place of the server's
// data.
func (r *Runtime) exchange(ctx context.Context, want *cluster.Cluster, server string, h home, restored bool) (string, error) {
	where, err := r.setAside(ctx, want.Name, server, h, restored)
	if err == nil {
		err = r.rename(ctx, want.Name, h, h.dir+fillingSuffix, h.dir)
	}
	if err == nil {
		err = r.open(ctx, want, server, h)
	}
	if err != nil {
		return h.at(where), fmt.Errorf("fill the data of %s: %w", server, err)
	}
	return h.at(where), nil
}

// Exchange changes the names.
func (r *Runtime) Exchange(ctx context.Context, want *cluster.Cluster, server string) (string, error) {
	r.remember(want)
	h, err := r.restingOrLent(ctx, want.Name, server)
	if err != nil {
		return "", err
	}
	switch by, err := r.markIn(ctx, want.Name, h, h.dir+fillingSuffix); {
	case err != nil:
		return "", err
	case by == nil:
		return "", fmt.Errorf("no data is staged for %s", server)
	}
	return r.exchange(ctx, want, server, h, true)
}

// Retract changes them back.
func (r *Runtime) Retract(ctx context.Context, name, server, where string) error {
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return err
	}
	former := ""
	if where != "" {
		if former, err = r.setAsideAt(ctx, name, server, where); err != nil {
			return err
		}
	}
	there, err := r.exists(ctx, name, h, path.Join(h.dir, "member"))
	if err == nil && there {
		err = r.rename(ctx, name, h, h.dir, h.dir+fillingSuffix)
	}
	if err == nil && former != "" {
		r.takeFromAside(ctx, name, server, former)
		err = r.rename(ctx, name, h, former, h.dir)
	}
	if err != nil {
		return fmt.Errorf("bring the data of %s back: %w", server, err)
	}
	return nil
}

// Unstage deletes what Stage has made.
func (r *Runtime) Unstage(ctx context.Context, name, server string) error {
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return err
	}
	return r.clear(ctx, name, h)
}

// Staged reads the mark in what Stage has made.
func (r *Runtime) Staged(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	return r.marked(ctx, name, server, fillingSuffix)
}

// MadeBy reads the mark in the server's data.
func (r *Runtime) MadeBy(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	return r.marked(ctx, name, server, "")
}

// Remark writes the mark in the server's data.
func (r *Runtime) Remark(ctx context.Context, name, server string, by runtime.Restoration) error {
	h, err := r.resting(ctx, name, server)
	if err == nil {
		err = r.remark(ctx, name, h, by)
	}
	if err != nil {
		return fmt.Errorf("note who has made the data of %s: %w", server, err)
	}
	return nil
}

func (r *Runtime) remark(ctx context.Context, name string, h home, by runtime.Restoration) error {
	mark, err := by.Mark()
	if err != nil {
		return err
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	to := tar.NewWriter(&file)
	if err := errors.Join(addMark(to, "", owner{}, mark), to.Close()); err != nil {
		return err
	}
	return helper(name, image, h, setAsideProgram).With(ctx, r.engine, func(id string) error {
		_, err := r.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: h.dir, Content: &file})
		return err
	})
}

// AsideMadeBy reads the mark in data that was set aside.
func (r *Runtime) AsideMadeBy(ctx context.Context, name, server, where string) (*runtime.Restoration, error) {
	folder, err := r.setAsideAt(ctx, name, server, where)
	if err != nil {
		return nil, err
	}
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	h, _ := f.home(server) // which has it
	return r.markIn(ctx, name, h, folder)
}

func (r *Runtime) marked(ctx context.Context, name, server, suffix string) (*runtime.Restoration, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	h, ok := f.home(server)
	if !ok || !h.store.Given() {
		return nil, nil
	}
	return r.markIn(ctx, name, h, h.dir+suffix)
}

// markIn is nil where there is none.
func (r *Runtime) markIn(ctx context.Context, name string, h home, dir string) (*runtime.Restoration, error) {
	file := path.Join(dir, runtime.MarkFile)
	there, err := r.exists(ctx, name, h, file)
	if err != nil || !there {
		return nil, err
	}
	var data []byte
	read := func(id string) (err error) {
		data, err = stack.ReadFile(ctx, r.engine, stack.Container{ID: id}, file)
		return err
	}
	if h.container != "" {
		err = read(h.container)
	} else if image, own := r.ownImage(ctx); own == nil {
		err = helper(name, image, h, setAsideProgram).With(ctx, r.engine, read)
	} else {
		err = own
	}
	if err != nil {
		return nil, err
	}
	return runtime.ReadMark(data)
}

// fillingSuffix ends the name of a data directory that has not taken its place. It is
// staged once the mark is in it, which comes last.
const fillingSuffix = ".filling"

// clear removes what was filled and has not taken its place.
func (r *Runtime) clear(ctx context.Context, name string, h home) error {
	filling := h.dir + fillingSuffix
	there, err := r.exists(ctx, name, h, filling)
	if err != nil || !there {
		return err
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	return helper(name, image, h, setAsideProgram, "--remove", filling).Run(ctx, r.engine)
}

// Files copies the folder member out of the server's container, or out of its volume
// through one that is never started, where there is none or the engine can't look into it.
func (r *Runtime) Files(ctx context.Context, name, server string) (io.ReadCloser, error) {
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return nil, err
	}
	direct, err := r.isOpen(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("look at the data of %s on the engine: %w", server, err)
	}
	image := h.image
	if h.container == "" {
		if image, err = r.ownImage(ctx); err != nil {
			return nil, err
		}
	}
	out, in := io.Pipe()
	go func() {
		copyOut := func(id string) error { return r.copyOut(ctx, id, path.Join(h.dir, "member"), in) }
		if direct {
			in.CloseWithError(copyOut(h.container))
			return
		}
		in.CloseWithError(helper(name, image, h, setAsideProgram).With(ctx, r.engine, copyOut))
	}()
	return out, nil
}

// isOpen tells whether the data is to be had of the server's own container.
func (r *Runtime) isOpen(ctx context.Context, h home) (bool, error) {
	if h.container == "" || !h.store.Given() {
		return h.container != "", nil
	}
	if gone, err := r.goneOf(ctx, h.binds); err != nil || len(gone) > 0 {
		return false, err
	}
	return r.looksInto(ctx, h.container)
}

// copyOut copies a file or folder out of a container.
func (r *Runtime) copyOut(ctx context.Context, container, source string, to io.Writer) error {
	copied, err := r.engine.CopyFromContainer(ctx, container, client.CopyFromContainerOptions{SourcePath: source})
	if err != nil {
		return fmt.Errorf("copy %s from the engine: %w", source, err)
	}
	defer copied.Content.Close()
	_, err = io.Copy(to, copied.Content)
	return err
}

// Etcd copies the program out of the server's container, or out of one of the
// image that it is to run.
func (r *Runtime) Etcd(ctx context.Context, want *cluster.Cluster, server, dir string) (string, error) {
	f, err := r.find(ctx, want.Name)
	if err != nil {
		return "", err
	}
	h, ok := f.home(server)
	if !ok {
		return "", nil
	}
	file := filepath.Join(dir, "etcd")
	take := func(id string) error {
		is, err := stack.CopyProgram(ctx, r.engine, id, cluster.ProgramInImage, file)
		if err == nil && !is {
			file = ""
		}
		return err
	}
	switch {
	case h.container != "":
		err = take(h.container)
	case h.store.Given():
		err = helper(want.Name, want.Image, h, cluster.ProgramInImage).With(ctx, r.engine, take)
	default:
		return "", nil
	}
	if errdefs.IsNotFound(err) { // the program, or the image
		return "", nil
	}
	return file, err
}

// copyInto puts the files of an archive, and a mark, into a new folder of a server's
// volume.
func (r *Runtime) copyInto(ctx context.Context, name string, h home, own owner, mark []byte, files io.Reader) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	below, inside := strings.CutPrefix(h.dir+fillingSuffix, cluster.ContainerVolumeDir+"/")
	if !inside {
		return fmt.Errorf("the data directory %s is not in the volume, which is at %s", h.dir, cluster.ContainerVolumeDir)
	}
	return helper(name, image, h, setAsideProgram).With(ctx, r.engine, func(id string) error {
		moved := moveBelow(files, below, own, mark)
		defer moved.Close()
		_, err := r.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: cluster.ContainerVolumeDir, Content: moved})
		return err
	})
}

// moveBelow gives an archive with all its files in a folder, of one owner, and the mark
// after them. A member that is not root makes its own folders in the volume later on, which is new here
// and nobody's.
func moveBelow(files io.Reader, folder string, own owner, mark []byte) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		to := tar.NewWriter(in)
		var err error
		if own != (owner{}) {
			err = to.WriteHeader(volumeOf(own))
		}
		if err == nil {
			err = to.WriteHeader(&tar.Header{Name: folder + "/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: own.uid, Gid: own.gid})
		}
		for from := tar.NewReader(files); err == nil; {
			var h *tar.Header
			if h, err = from.Next(); err != nil {
				break
			}
			dir := strings.HasSuffix(h.Name, "/")
			moved := &tar.Header{Name: path.Join(folder, h.Name), Typeflag: h.Typeflag, Size: h.Size, Mode: h.Mode, ModTime: h.ModTime, Uid: own.uid, Gid: own.gid}
			if dir {
				moved.Name += "/"
			}
			if err = to.WriteHeader(moved); err == nil {
				_, err = io.Copy(to, from)
			}
		}
		if errors.Is(err, io.EOF) {
			err = addMark(to, folder, own, mark)
		}
		if err == nil {
			err = to.Close()
		}
		in.CloseWithError(err)
	}()
	return out
}

func addMark(to *tar.Writer, folder string, own owner, mark []byte) error {
	if mark == nil {
		return nil
	}
	err := to.WriteHeader(&tar.Header{Name: path.Join(folder, runtime.MarkFile), Typeflag: tar.TypeReg, Size: int64(len(mark)), Mode: 0o600, Uid: own.uid, Gid: own.gid})
	if err == nil {
		_, err = to.Write(mark)
	}
	return err
}

// BringBack renames the folder that SetAside has renamed.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	former, err := r.setAsideAt(ctx, name, server, where)
	if err != nil {
		return err
	}
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return err
	}
	if _, err := r.setAside(ctx, name, server, h, true); err != nil {
		return err
	}
	r.takeFromAside(ctx, name, server, former)
	if err := r.rename(ctx, name, h, former, h.dir); err != nil {
		return fmt.Errorf("bring the data of %s back: %w", server, err)
	}
	return nil
}
