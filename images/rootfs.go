package images

import (
	"archive/tar"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
)

// rootfs holds the files that every image has besides the programs.
//
// The root certificates are Mozilla's, as the Go project distributes them in
// golang.org/x/crypto/x509roots/fallback/bundle; they come from the module and
// not from the machine, so that every machine makes the same image. Run
// `go test ./images -run Root -update` after an update of that module.
//
//go:embed rootfs
var rootfs embed.FS

const (
	binDir  = "usr/local/bin"
	dataDir = "var/lib/etcd"
	// guideDir is where files after etcd's guide to containers have the data. An engine gives
	// a new volume the owner of the folder that it is mounted at: without one it is root's.
	guideDir = "etcd-data"

	// user is who runs etcd unless a container says otherwise: the number that
	// distroless images use for their non-root user.
	user = 65532
)

// epoch is the time of everything in an image: builds at different hours are
// the same build.
var epoch = time.Unix(0, 0).UTC()

// entry is one file of an image.
type entry struct {
	tar.Header
	open func() (io.ReadCloser, error) // nil for directories and links
}

// rootEntries lists the whole file system of an image with these programs.
func rootEntries(b *Binaries) ([]entry, error) {
	entries, err := baseEntries()
	if err != nil {
		return nil, err
	}
	for _, p := range b.Programs {
		entries = append(entries, program(p))
	}
	if b.multicall() {
		entries = append(entries, multicallLinks()...)
	}
	return entries, nil
}

// baseEntries lists what every image has.
func baseEntries() ([]entry, error) {
	data, guide := directory(dataDir), directory(guideDir)
	for _, d := range []*entry{&data, &guide} {
		d.Mode, d.Uid, d.Gid = 0o700, user, user // what etcd asks of its data directory
	}
	entries := []entry{
		directory("etc"), directory("etc/ssl"), directory("etc/ssl/certs"),
		directory("usr"), directory("usr/local"), directory(binDir),
		directory("var"), directory("var/lib"), data, guide,
	}
	for _, name := range []string{"etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"} {
		e, err := embedded(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// multicallLinks give one file the names of the other programs that it is.
func multicallLinks() []entry {
	var links []entry
	for _, name := range multicallNames {
		links = append(links, link(path.Join(binDir, name), multicallName))
	}
	return links
}

func directory(name string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: epoch}}
}

func link(name, target string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777, ModTime: epoch}}
}

func embedded(name string) (entry, error) {
	st, err := fs.Stat(rootfs, "rootfs/"+name)
	if err != nil {
		return entry{}, err
	}
	return entry{
		Header: file(name, st.Size()),
		open:   func() (io.ReadCloser, error) { return rootfs.Open("rootfs/" + name) },
	}, nil
}

func program(p Program) entry {
	h := file(path.Join(binDir, p.Name), p.Size)
	h.Mode = 0o755
	return entry{Header: h, open: func() (io.ReadCloser, error) { return p.open() }}
}

func file(name string, size int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: epoch}
}

// writeTar writes entries as an uncompressed layer.
func writeTar(w io.Writer, entries []entry) error {
	tw := tar.NewWriter(w)
	for _, e := range entries {
		if err := writeEntry(tw, e); err != nil {
			return fmt.Errorf("pack %s: %w", e.Name, err)
		}
	}
	return tw.Close()
}

func writeEntry(tw *tar.Writer, e entry) error {
	if err := tw.WriteHeader(&e.Header); err != nil || e.open == nil {
		return err
	}
	r, err := e.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(tw, r)
	return err
}
