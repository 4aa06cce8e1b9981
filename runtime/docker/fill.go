package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var _ runtime.Filler = (*Runtime)(nil)

// Fill copies files into the server's volume, beside its data, through a
// container that is never started, and then changes the names. They belong to
// root, as which members run.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	if want.Data == cluster.Memory {
		return "", fmt.Errorf("%s keeps its data in memory: nothing can be put there before it starts", server)
	}
	r.remember(want)
	h, err := r.resting(ctx, want.Name, server)
	if unknown := (*runtime.UnknownError)(nil); errors.Is(err, runtime.ErrNotFound) || errors.As(err, &unknown) {
		if err := r.Prepare(ctx, want); err != nil { // which makes the volumes
			return "", err
		}
		h, err = r.restingOrLent(ctx, want.Name, server)
	}
	if err == nil && !h.store.Given() {
		err = errors.New("its data goes with its container")
	}
	if err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	own, err := r.ownerOf(ctx, want, server)
	if err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	filling := h.dir + fillingSuffix
	r.tell(runtime.Event{Server: server, Action: "fill", Detail: h.store.String()})
	if err := r.clear(ctx, want.Name, h, filling); err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	if err := r.copyInto(ctx, want.Name, h, filling, own, files); err != nil {
		return "", fmt.Errorf("fill the data of %s: %w", server, err)
	}
	where, err := r.setAside(ctx, want.Name, server, h)
	if err == nil {
		err = r.rename(ctx, want.Name, h, filling, h.dir)
	}
	if err != nil {
		return h.at(where), fmt.Errorf("fill the data of %s: %w", server, err)
	}
	r.tell(runtime.Event{Server: server, Action: "fill", Detail: h.store.String(), Done: true})
	return h.at(where), nil
}

// fillingSuffix ends the name of a data directory that is not complete.
const fillingSuffix = ".filling"

// clear removes what was being filled when a command was killed.
func (r *Runtime) clear(ctx context.Context, name string, h home, filling string) error {
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

// Files copies the folder member out of the server's container, or out of its
// volume through one that is never started.
func (r *Runtime) Files(ctx context.Context, name, server string) (io.ReadCloser, error) {
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return nil, err
	}
	image := ""
	if h.container == "" {
		if image, err = r.ownImage(ctx); err != nil {
			return nil, err
		}
	}
	out, in := io.Pipe()
	go func() {
		copyOut := func(id string) error { return r.copyOut(ctx, id, path.Join(h.dir, "member"), in) }
		if h.container != "" {
			in.CloseWithError(copyOut(h.container))
			return
		}
		in.CloseWithError(helper(name, image, h, setAsideProgram).With(ctx, r.engine, copyOut))
	}()
	return out, nil
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

// copyInto puts the files of an archive into a new folder of a server's volume.
func (r *Runtime) copyInto(ctx context.Context, name string, h home, folder string, own owner, files io.Reader) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	below, inside := strings.CutPrefix(folder, cluster.ContainerVolumeDir+"/")
	if !inside {
		return fmt.Errorf("the data directory %s is not in the volume, which is at %s", h.dir, cluster.ContainerVolumeDir)
	}
	return helper(name, image, h, setAsideProgram).With(ctx, r.engine, func(id string) error {
		moved := moveBelow(files, below, own)
		defer moved.Close()
		_, err := r.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: cluster.ContainerVolumeDir, Content: moved})
		return err
	})
}

// moveBelow gives an archive with all its files in a folder, of one owner. A member
// that is not root makes its own folders in the volume later on, which is new here
// and nobody's.
func moveBelow(files io.Reader, folder string, own owner) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		to := tar.NewWriter(in)
		var err error
		if own != (owner{}) {
			err = to.WriteHeader(&tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755, Uid: own.uid, Gid: own.gid})
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
			err = to.Close()
		}
		in.CloseWithError(err)
	}()
	return out
}

// Aside lists the server's volume, in a container.
func (r *Runtime) Aside(ctx context.Context, name, server string) ([]string, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	h, ok := f.home(server)
	if !ok || !h.store.Given() {
		return nil, nil
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return nil, err
	}
	said, err := helper(name, image, h, setAsideProgram, h.dir+asideSuffix).Output(ctx, r.engine)
	if err != nil {
		return nil, fmt.Errorf("look for what was set aside of %s: %w", server, err)
	}
	var all []string
	for _, base := range said {
		if strings.HasPrefix(base, path.Base(h.dir)+asideSuffix) {
			all = append(all, h.at(path.Join(path.Dir(h.dir), base)))
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all, nil
}

// BringBack renames the folder that SetAside has renamed.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	all, err := r.Aside(ctx, name, server)
	if err == nil && !slices.Contains(all, where) {
		err = fmt.Errorf("%s was not set aside of %s", where, server)
	}
	if err != nil {
		return err
	}
	h, err := r.resting(ctx, name, server)
	if err != nil {
		return err
	}
	if _, err := r.setAside(ctx, name, server, h); err != nil {
		return err
	}
	if err := r.rename(ctx, name, h, strings.TrimSuffix(where, h.inStore()), h.dir); err != nil {
		return fmt.Errorf("bring the data of %s back: %w", server, err)
	}
	return nil
}
