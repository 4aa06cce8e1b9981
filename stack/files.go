package stack

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// This file brings local files into containers: mounted where the engine sees
// them, and copied into a volume where it does not.

// Locatable is an engine that can be asked where it is.
type Locatable interface {
	Info(context.Context, client.InfoOptions) (client.SystemInfoResult, error)
	ServerVersion(context.Context, client.ServerVersionOptions) (client.ServerVersionResult, error)
	DaemonHost() string
}

// SeesFiles reports whether an engine sees this machine's files, so that it
// can mount them. It does behind a local socket on the machine whose name it
// gives for its own. In any other case, such as another machine, a virtual
// machine or a container that was handed the socket, the same path may well
// exist and mean something else. Nor does it where the users in containers are
// others outside (userns-remap, or a rootless engine of somebody else): not even
// root may read there what is for its owner only.
func SeesFiles(ctx context.Context, e Locatable, m Make) (bool, error) {
	if runtime.GOOS != "linux" || !strings.HasPrefix(e.DaemonHost(), "unix://") {
		return false, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return false, nil //nolint:nilerr // copying works everywhere
	}
	if m.host != nil {
		at, err := m.host.ask(ctx, e)
		return at.Hostname == host && readsFiles(e.DaemonHost(), nil, at.Security.Rootless), err
	}
	r, err := e.Info(ctx, client.InfoOptions{})
	if err != nil {
		return false, fmt.Errorf("ask the engine where it runs: %w", err)
	}
	return r.Info.Name == host && r.Info.OperatingSystem != "Docker Desktop" && readsFiles(e.DaemonHost(), r.Info.SecurityOptions, false), nil
}

// readsFiles reports whether root in a container may read what the caller's files
// let their owner read, by what an engine says of its security, which is nothing where
// it is Podman.
func readsFiles(socket string, options []string, rootless bool) bool {
	if says(options, "userns") {
		return false
	}
	return !rootless && !says(options, "rootless") || owns(strings.TrimPrefix(socket, "unix://"))
}

// says reports whether an engine has an option among those of its security.
func says(options []string, name string) bool {
	return slices.ContainsFunc(options, func(o string) bool { return o == "name="+name || strings.HasPrefix(o, "name="+name+",") })
}

// MapsUsers reports whether root in containers is somebody else outside, who may write
// less: userns-remap, or an engine that is not root's.
func MapsUsers(ctx context.Context, e Locatable, m Make) (bool, error) {
	if m.host != nil {
		at, err := m.host.ask(ctx, e)
		return at.Security.Rootless, err
	}
	r, err := e.Info(ctx, client.InfoOptions{})
	if err != nil {
		return false, fmt.Errorf("ask the engine for its users: %w", err)
	}
	return says(r.Info.SecurityOptions, "userns") || says(r.Info.SecurityOptions, "rootless"), nil
}

// transfer is a set of local files on their way into a volume.
type transfer struct {
	project string
	volume  string
	target  string            // the folder in the container that the volume is mounted at
	image   string            // that a container to copy through is made from
	labels  map[string]string // of that container
	source  string            // a folder, or a file, on this machine
	digest  string            // of the files
}

// injection is a file that goes into a container's own file system.
type injection struct {
	target  string
	content string
	mode    int64
}

// fileSystem is what a container finds in its file system besides its image.
type fileSystem struct {
	mounts []mount.Mount
	binds  []string // those whose SELinux label is to change, which a mount cannot say
	inject []injection
}

func (w Wanted) fileSystem(s types.ServiceConfig) (fileSystem, error) {
	var f fileSystem
	for _, v := range s.Volumes {
		if err := w.addMount(&f, s, v); err != nil {
			return f, err
		}
	}
	for _, c := range s.Configs {
		config, target := w.Project.Configs[c.Source], configTarget(c)
		switch {
		case config.File != "":
			bind := types.ServiceVolumeConfig{Type: types.VolumeTypeBind, Source: config.File, Target: target, ReadOnly: true}
			if err := w.addMount(&f, s, bind); err != nil {
				return f, err
			}
		case s.ReadOnly:
			return f, fmt.Errorf("the config %s has its content in the file, which a read-only container cannot be given: put it into a file of its own", c.Source)
		default:
			f.inject = append(f.inject, injection{target, config.Content, fileMode(c)})
		}
	}
	return f, nil
}

func (w Wanted) addMount(f *fileSystem, s types.ServiceConfig, v types.ServiceVolumeConfig) error {
	m, err := w.mount(s, v)
	if err != nil {
		return err
	}
	if m.Type == mount.TypeBind && v.Bind != nil && v.Bind.SELinux != "" {
		access := "rw"
		if v.ReadOnly {
			access = "ro"
		}
		f.binds = append(f.binds, fmt.Sprintf("%s:%s:%s,%s", v.Source, v.Target, access, v.Bind.SELinux))
		return nil
	}
	f.mounts = append(f.mounts, m)
	return nil
}

func configTarget(c types.ServiceConfigObjConfig) string {
	return path.Join("/", cmp.Or(c.Target, c.Source))
}

func fileMode(c types.ServiceConfigObjConfig) int64 {
	if c.Mode != nil {
		return int64(*c.Mode)
	}
	return 0o444
}

func (w Wanted) mount(s types.ServiceConfig, v types.ServiceVolumeConfig) (mount.Mount, error) {
	m := mount.Mount{Type: mount.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
	switch v.Type {
	case types.VolumeTypeVolume:
		if known, ok := w.Project.Volumes[v.Source]; ok {
			m.Source = known.Name
		}
	case types.VolumeTypeTmpfs:
		if v.Tmpfs != nil {
			m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(v.Tmpfs.Size), Mode: os.FileMode(v.Tmpfs.Mode)}
		}
	case types.VolumeTypeBind:
		if !w.CopyFiles || !v.ReadOnly {
			return m, nil
		}
		t, err := w.transfer(s, v.Source, v.Target)
		if err != nil {
			return m, err
		}
		return mount.Mount{Type: mount.TypeVolume, Source: t.volume, Target: t.target, ReadOnly: true}, nil
	default:
		return m, fmt.Errorf("a mount of type %s is not supported: start this file with `docker compose up`", v.Type)
	}
	return m, nil
}

// CheckFiles refuses a project that mounts what is not there: the engine would
// make up an empty folder in its place, or fail halfway.
func (w Wanted) CheckFiles() error {
	var errs []error
	for _, s := range w.Project.Services {
		for _, f := range w.localFiles(s) {
			if _, err := os.Stat(f.source); err != nil {
				errs = append(errs, fmt.Errorf("services.%s cannot have %s: %w", s.Name, f.source, errors.Unwrap(err)))
			}
		}
	}
	return errors.Join(errs...)
}

// localFile is something of this machine, to be read, and its place in a container.
// A folder that is written into is the engine's machine's, as a volume is.
type localFile struct{ source, target string }

func (w Wanted) localFiles(s types.ServiceConfig) []localFile {
	var files []localFile
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && v.ReadOnly {
			files = append(files, localFile{v.Source, v.Target})
		}
	}
	for _, c := range s.Configs {
		if file := w.Project.Configs[c.Source].File; file != "" {
			files = append(files, localFile{file, configTarget(c)})
		}
	}
	return files
}

// transfers are the copies that a service's mounts take on an engine that does
// not see this machine's files.
func (w Wanted) transfers(s types.ServiceConfig) ([]*transfer, error) {
	if !w.CopyFiles {
		return nil, nil
	}
	var all []*transfer
	for _, f := range w.localFiles(s) {
		t, err := w.transfer(s, f.source, f.target)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// transfer gives a mount of files its volume, at the folder that it is about:
// a volume cannot be mounted at a file.
func (w Wanted) transfer(s types.ServiceConfig, source, target string) (*transfer, error) {
	info, err := os.Stat(source)
	if err == nil && !info.IsDir() {
		target = path.Dir(target)
	}
	t := &transfer{
		project: w.Project.Name,
		volume:  fmt.Sprintf("%s_%s-%s", w.Project.Name, s.Name, strings.ReplaceAll(strings.Trim(target, "/"), "/", "-")),
		target:  target, source: source, image: s.Image,
	}
	entries, err := t.entries()
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil // it may be made after the plan is
	}
	if err != nil {
		return nil, fmt.Errorf("cannot copy %s: %w", source, err)
	}
	t.digest = digest(entries)
	return t, nil
}

type entry struct {
	name    string // below the target
	mode    int64
	content []byte
	dir     bool
}

// digest tells whether two sets of files are the same.
func digest(entries []entry) string {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	h := sha256.New()
	for _, f := range entries {
		fmt.Fprintf(h, "%s %o %x\n", f.name, f.mode, sha256.Sum256(f.content))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// entries reads the files.
func (t *transfer) entries() ([]entry, error) {
	var all []entry
	err := filepath.WalkDir(t.source, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == t.source && d.IsDir() {
			return err
		}
		f, err := readEntry(t.source, p)
		all = append(all, f)
		return err
	})
	return all, err
}

func readEntry(root, p string) (entry, error) {
	info, err := os.Stat(p)
	if err != nil {
		return entry{}, err
	}
	name, err := filepath.Rel(root, p)
	if err != nil {
		return entry{}, err
	}
	if name == "." {
		name = filepath.Base(p)
	}
	f := entry{name: filepath.ToSlash(name), mode: int64(info.Mode().Perm()), dir: info.IsDir()}
	if !f.dir {
		f.content, err = os.ReadFile(p)
	}
	return f, err
}

// run copies the files through a container that is never started: it gives the
// engine's archive call a place where the volume is mounted and may be written
// to. In the volume all belongs to root, with the modes that it has here.
func (t *transfer) run(ctx context.Context, e Engine) error {
	entries, err := t.entries()
	if err != nil {
		return err
	}
	archive, err := writeArchive(entries)
	if err != nil {
		return err
	}
	through := Helper{Project: t.project, Image: t.image, Volume: t.volume, Target: t.target, Command: []string{"true"}, Labels: t.labels}
	return through.With(ctx, e, func(id string) error {
		_, err := e.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: t.target, Content: archive})
		return err
	})
}

func writeArchive(entries []entry) (io.Reader, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range entries {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if f.dir {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	return &b, w.Close()
}

// heldDigest is the digest of the files as a container of the service finds
// them now; empty when it does not.
func (t *transfer) heldDigest(ctx context.Context, e Engine, c Container) (string, error) {
	entries, err := copyOut(ctx, e, c, t.target+"/.")
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at the files of %s: %w", c.Name, err)
	}
	return digest(entries), nil
}

// ReadFile gives the content of a file as a container sees it, running or not. The
// error is fs.ErrNotExist if it sees none.
func ReadFile(ctx context.Context, e Engine, c Container, name string) ([]byte, error) {
	entries, err := copyOut(ctx, e, c, name)
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("%s of %s: %w", name, c.Name, fs.ErrNotExist)
	}
	if err == nil && len(entries) != 1 {
		err = fmt.Errorf("is %d files", len(entries))
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", name, c.Name, err)
	}
	return entries[0].content, nil
}

// copyOut gives what a container sees at a path.
func copyOut(ctx context.Context, e Engine, c Container, name string) ([]entry, error) {
	r, err := e.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: name})
	if err != nil {
		return nil, err
	}
	defer r.Content.Close()
	return readArchive(r.Content)
}

func readArchive(r io.Reader) ([]entry, error) {
	var all []entry
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		if name == "." {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{name: name, mode: header.Mode & 0o777, content: content, dir: header.Typeflag == tar.TypeDir})
	}
}

func (i injection) into(ctx context.Context, e Engine, id string) error {
	archive, err := writeArchive([]entry{{name: strings.TrimPrefix(i.target, "/"), mode: i.mode, content: []byte(i.content)}})
	if err != nil {
		return err
	}
	_, err = e.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: archive})
	return err
}

// observeFiles looks at the copies of local files that the stack has.
func observeFiles(ctx context.Context, e Engine, w Wanted, s *State) error {
	s.files = map[string]string{}
	for _, service := range w.Project.Services {
		c, ok := current(w, s, service)
		if !ok {
			continue
		}
		transfers, err := w.transfers(service)
		if err != nil {
			return err
		}
		for _, t := range transfers {
			if c.Volumes[t.target] != t.volume {
				continue
			}
			if s.files[t.volume], err = t.heldDigest(ctx, e, c); err != nil {
				return err
			}
		}
	}
	return nil
}
