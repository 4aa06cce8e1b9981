package images

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ReleaseMirror is where upstream publishes its releases.
const ReleaseMirror = "https://github.com/etcd-io/etcd/releases/download"

const (
	maxArchiveSize = 256 << 20 // bytes; etcd 3.7's have some 25 MB
	maxSumsSize    = 1 << 20
)

// Release takes upstream's release archive, such as
// MIRROR/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz, and holds it against
// MIRROR/v3.7.3/SHA256SUMS before anything in it is used. A download that was
// cut short goes on where it stopped.
type Release struct {
	Version   string // "v3.7.3"
	Mirror    string // what comes before the version; "" is ReleaseMirror
	PlainHTTP bool   // let a mirror on another machine be spoken to unencrypted
	Cache     Cache
	Progress  Progress

	pause time.Duration // between tries, a second when 0
	stall time.Duration // without a byte until a try has failed, stallTimeout when 0
}

// stallTimeout is longer than what a congested line or a server under load takes
// to send its next byte.
const stallTimeout = 30 * time.Second

// Binaries downloads and unpacks the archive, or takes what an earlier call
// unpacked, without asking the network then.
func (r Release) Binaries(ctx context.Context, platform v1.Platform) (*Binaries, error) {
	mirror := strings.TrimSuffix(r.Mirror, "/")
	if mirror == "" {
		mirror = ReleaseMirror
	}
	stem := fmt.Sprintf("etcd-%s-%s-%s", r.Version, platform.OS, platform.Architecture)
	base := mirror + "/" + r.Version + "/"
	// Checksums that come from a mirror prove nothing about another mirror.
	key := path.Join("release", fmt.Sprintf("%x", sha256.Sum256([]byte(mirror)))[:12], stem)

	dir, err := r.Cache.folder(ctx, key, func(dir string) error {
		part := filepath.Join(filepath.Dir(dir), stem+".tar.gz.part")
		if err := r.fetch(ctx, base, stem+".tar.gz", part); err != nil {
			return err
		}
		if err := unpackRelease(ctx, part, stem, dir); err != nil {
			return fmt.Errorf("%s%s.tar.gz: %w", base, stem, err)
		}
		return os.Remove(part)
	})
	if err != nil {
		return nil, err
	}
	return binariesIn(dir, "release "+base+stem+".tar.gz", platform)
}

// fetch brings an archive into the file part and makes sure that it is the one
// its publisher made a checksum of.
func (r Release) fetch(ctx context.Context, base, archive, part string) error {
	want, err := r.wantedSum(ctx, base, archive, part+".sums")
	if err != nil {
		return err
	}
	_, statErr := os.Stat(part)
	for resumed := statErr == nil; ; resumed = false {
		if err := r.download(base+archive, maxArchiveSize).to(ctx, part); err != nil {
			return err
		}
		got, err := fileSum(part)
		if err != nil || got == want {
			return err
		}
		if err := os.Remove(part); err != nil {
			return err
		}
		// What an earlier call left may have been of another file.
		if !resumed {
			return fmt.Errorf("%s%s: has the SHA-256 %s, but SHA256SUMS beside it says %s: "+
				"it was damaged or tampered with, take another mirror", base, archive, got, want)
		}
	}
}

func (r Release) download(url string, limit int64) download {
	client := &http.Client{Transport: transport(http.DefaultTransport, r.PlainHTTP)}
	return download{
		client: client, url: url, limit: limit, progress: r.Progress,
		pause: cmp.Or(r.pause, time.Second), stall: cmp.Or(r.stall, stallTimeout),
	}
}

// wantedSum reads the checksum of an archive from the list beside it.
func (r Release) wantedSum(ctx context.Context, base, archive, file string) (string, error) {
	defer discard(file)
	if err := os.RemoveAll(file); err != nil {
		return "", err
	}
	if err := r.download(base+sumsFile, maxSumsSize).to(ctx, file); err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum, ok := parseSums(string(data))[archive]
	if !ok {
		return "", fmt.Errorf("%s%s: does not list %s: check the version and the platform, or take another mirror",
			base, sumsFile, archive)
	}
	return sum, nil
}

// unpackRelease writes the three programs of a release archive into dir. The
// archive is not trusted for having the right checksum.
func unpackRelease(ctx context.Context, archive, stem, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(contextReader{ctx, f})
	if err != nil {
		return fmt.Errorf("is not a whole gzip archive: %w", err)
	}
	found, err := unpackPrograms(tar.NewReader(zr), stem, func(name string, r io.Reader) error {
		return writeProgram(filepath.Join(dir, name), r)
	})
	if err != nil {
		return err
	}
	for _, name := range Names {
		if !slices.Contains(found, name) {
			return fmt.Errorf("lacks %s/%s: it is no release archive of etcd", stem, name)
		}
	}
	return nil
}

// unpackPrograms hands the programs of an archive to write, by their own names,
// and lists what it has found.
func unpackPrograms(tr *tar.Reader, stem string, write func(name string, r io.Reader) error) ([]string, error) {
	var found []string
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("is damaged: %w", err)
		}
		if !filepath.IsLocal(h.Name) {
			return nil, fmt.Errorf("holds %q, a path outside the archive: it was tampered with", h.Name)
		}
		if h.Size > maxProgramSize {
			return nil, fmt.Errorf("holds %s with %d MB, which is no etcd program", h.Name, h.Size>>20)
		}
		name, ok := strings.CutPrefix(path.Clean(h.Name), stem+"/")
		if !ok || !slices.Contains(Names, name) {
			continue
		}
		if h.Typeflag != tar.TypeReg || slices.Contains(found, name) {
			return nil, fmt.Errorf("holds %s as something else than one file: it was tampered with", h.Name)
		}
		if err := write(name, tr); err != nil {
			return nil, err
		}
		found = append(found, name)
	}
}

func writeProgram(file string, r io.Reader) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		if full := (*os.PathError)(nil); errors.As(err, &full) || errors.Is(err, context.Canceled) {
			return err // not the archive's fault
		}
		return fmt.Errorf("is damaged in %s: %w", filepath.Base(file), err)
	}
	return f.Close()
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
