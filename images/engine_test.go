package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
)

// engine is a Docker Engine of the test's platform that keeps what it is sent.
type engine struct {
	has    map[string]image.InspectResponse // by references and IDs
	answer string                           // to a load; "" is success
	loaded bytes.Buffer
	tagged []string
	save   []byte
}

func (e *engine) ServerVersion(context.Context, client.ServerVersionOptions) (client.ServerVersionResult, error) {
	return client.ServerVersionResult{Os: testPlatform.OS, Arch: testPlatform.Architecture}, nil
}

func (e *engine) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	r, ok := e.has[ref]
	if !ok {
		return client.ImageInspectResult{}, errdefs.ErrNotFound
	}
	return client.ImageInspectResult{InspectResponse: r}, nil
}

func (e *engine) ImageLoad(_ context.Context, input io.Reader, _ ...client.ImageLoadOption) (client.ImageLoadResult, error) {
	if _, err := io.Copy(&e.loaded, input); err != nil {
		return nil, err
	}
	answer := e.answer
	if answer == "" {
		answer = `{"stream":"Loaded image"}`
	}
	return io.NopCloser(strings.NewReader(answer)), nil
}

func (e *engine) ImageTag(_ context.Context, o client.ImageTagOptions) (client.ImageTagResult, error) {
	e.tagged = append(e.tagged, o.Target)
	return client.ImageTagResult{}, nil
}

func (e *engine) ImageSave(ctx context.Context, _ []string, _ ...client.ImageSaveOption) (client.ImageSaveResult, error) {
	return io.NopCloser(contextReader{ctx, bytes.NewReader(e.save)}), nil
}

// loadedImage reads what the Engine was sent.
func (e *engine) loadedImage(t *testing.T, ref string) v1.Image {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.Image(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(e.loaded.Bytes())), nil
	}, &tag)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func wantSameImage(t *testing.T, got v1.Image, want *Image) {
	t.Helper()
	id, err := got.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if id.String() != want.ID() {
		t.Errorf("got the image %s, want %s", id, want.ID())
	}
}

func TestLoadSendsTheImageUnderEachReference(t *testing.T) {
	var e engine
	img := one(t)[0]
	refs := []string{"localhost/etcd:a", "gcr.io/etcd-development/etcd:v3.7.3"}
	if err := Load(t.Context(), &e, img, refs, nil); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		wantSameImage(t, e.loadedImage(t, ref), img)
	}
}

func TestLoadOnlyTagsWhatTheEngineHas(t *testing.T) {
	img := one(t)[0]
	e := engine{has: map[string]image.InspectResponse{img.ID(): {}}}
	if err := Load(t.Context(), &e, img, []string{"docker.io/library/etcd:1"}, nil); err != nil {
		t.Fatal(err)
	}
	if e.loaded.Len() > 0 {
		t.Errorf("sent %d bytes", e.loaded.Len())
	}
	if diff := cmp.Diff([]string{"etcd:1"}, e.tagged); diff != "" {
		t.Errorf("tagged (-want +got):\n%s", diff)
	}
}

// Engine 29 and its containerd store.
func TestLoadKnowsAnImageThatTheEngineHasUnderAnotherID(t *testing.T) {
	const ref = "etcdctr/relay:latest"
	img := one(t)[0]
	var same image.InspectResponse
	if err := json.Unmarshal(img.config, &same); err != nil {
		t.Fatal(err)
	}
	same.RootFS = image.RootFS{Layers: []string{img.layer.diffID.String()}}
	otherwise := *same.Config
	otherwise.User = "root"
	run := same
	run.Config = &otherwise
	content := same
	content.RootFS.Layers = []string{"sha256:" + strings.Repeat("6", 64)}
	for what, test := range map[string]struct {
		has  image.InspectResponse
		send bool
	}{
		"the same":                  {same, false},
		"one that runs differently": {run, true},
		"one with other files":      {content, true},
	} {
		t.Run(what, func(t *testing.T) {
			e := engine{has: map[string]image.InspectResponse{ref: test.has}}
			if err := Load(t.Context(), &e, img, []string{ref}, nil); err != nil {
				t.Fatal(err)
			}
			if sent := e.loaded.Len() > 0; sent != test.send {
				t.Errorf("sent %v, want %v", sent, test.send)
			}
		})
	}
}

func TestLoadRefusesReferencesThatCannotBeGiven(t *testing.T) {
	err := Load(t.Context(), &engine{}, one(t)[0], []string{"etcd@sha256:" + strings.Repeat("a", 64), "UPPER:x", "fine:1"}, nil)
	wantError(t, err, `"etcd@sha256:`, `"UPPER:x" cannot name an image: write it as REPOSITORY:TAG`)
}

func TestLoadTellsWhatTheEngineComplainsAboutInItsAnswer(t *testing.T) {
	e := engine{answer: `{"stream":"x"}{"error":"no space left on device"}`}
	err := Load(t.Context(), &e, one(t)[0], []string{testRef}, nil)
	wantError(t, err, "load "+testRef+" into the Docker Engine: no space left on device")
}

func TestLoadTakesTheEnginesPlatformOfAnArchive(t *testing.T) {
	imgs := two(t)
	file := filepath.Join(t.TempDir(), "etcd.tar")
	if _, err := WriteArchive(t.Context(), file, testRef, imgs); err != nil {
		t.Fatal(err)
	}
	var e engine
	refs, err := LoadStored(t.Context(), &e, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{testRef}, refs); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	wantSameImage(t, e.loadedImage(t, testRef), imgs[1])
}

// Podman and Skopeo put the whole reference where others have the tag.
func TestLoadReadsArchivesOfPodmanAndSkopeo(t *testing.T) {
	img := one(t)[0]
	oci, err := img.OCI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AppendImage(oci, layout.WithAnnotations(map[string]string{ociName: testRef})); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "podman.tar")
	if err := writeFile(file, func(w io.Writer) error {
		tw := tar.NewWriter(w)
		return errors.Join(tw.AddFS(os.DirFS(dir)), tw.Close())
	}); err != nil {
		t.Fatal(err)
	}
	var e engine
	refs, err := LoadStored(t.Context(), &e, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{testRef}, refs); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	wantSameImage(t, e.loadedImage(t, testRef), img)
}

func TestLoadPassesADockerArchiveOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "etcd.tar")
	img := one(t)[0]
	if err := writeFile(file, func(w io.Writer) error { return writeDockerArchive(w, img, []string{testRef}) }); err != nil {
		t.Fatal(err)
	}
	var e engine
	if _, err := LoadStored(t.Context(), &e, file, nil); err != nil {
		t.Fatal(err)
	}
	wantSameImage(t, e.loadedImage(t, testRef), img)
}

func TestLoadRefusesArchivesBeforeTheEngineSeesThem(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.tar")
	if _, err := WriteArchive(t.Context(), whole, testRef, one(t)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	var outside bytes.Buffer
	tw := tar.NewWriter(&outside)
	if err := tw.WriteHeader(&tar.Header{Name: "../../root/.ssh/authorized_keys"}); err != nil {
		t.Fatal(err)
	}
	var holes bytes.Buffer
	if err := tar.NewWriter(&holes).WriteHeader(&tar.Header{Name: "blobs/sha256/0", Size: 10 << 30}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"10 GB of nothing":   {holes.Bytes(), `it holds "blobs/sha256/0" with 10240 MB, more than it has itself`},
		"cut short":          {data[:len(data)/2], "is damaged, cut short or "},
		"not an archive":     {bytes.Repeat([]byte("hello"), 500), "is damaged, cut short or no tar archive"},
		"outside the folder": {outside.Bytes(), `"../../root/.ssh/authorized_keys", a path outside the archive`},
		"no image in it":     {make([]byte, 1024), "holds no images"},
		"of xz":              {[]byte("\xfd7zXZ\x00rest"), "is compressed by bzip2 or xz"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.tar")
			write(t, file, test.data)
			var e engine
			_, err := LoadStored(t.Context(), &e, file, nil)
			wantError(t, err, file, test.want)
			if e.loaded.Len() > 0 {
				t.Errorf("the Engine was sent %d bytes", e.loaded.Len())
			}
		})
	}
}

// `docker save | gzip` is what many do, and `docker load` takes it.
func TestLoadTakesWhatIsCompressed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tar")
	if _, err := WriteArchive(t.Context(), file, testRef, one(t)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, compress := range map[string]func(io.Writer) (io.WriteCloser, error){
		"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	} {
		t.Run(name, func(t *testing.T) {
			var small bytes.Buffer
			z, err := compress(&small)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := z.Write(data); err != nil || z.Close() != nil {
				t.Fatal(err)
			}
			write(t, file, small.Bytes())
			var e engine
			if _, err := LoadStored(t.Context(), &e, file, nil); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(e.loaded.Bytes(), data) {
				t.Errorf("the Engine was sent %d bytes, want %d", e.loaded.Len(), len(data))
			}
		})
	}
}

// `tar -C FOLDER -c .` calls its files ./index.json and the like.
func TestLoadTakesAnArchiveOfAFolderItself(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.tar")
	if _, err := WriteArchive(t.Context(), file, testRef, one(t)); err != nil {
		t.Fatal(err)
	}
	var dotted bytes.Buffer
	tw := tar.NewWriter(&dotted)
	err := eachEntry(t.Context(), file, func(h *tar.Header, r io.Reader) error {
		h.Name = "./" + h.Name
		err := tw.WriteHeader(h)
		if err == nil {
			_, err = io.Copy(tw, r)
		}
		return err
	})
	if err != nil || tw.Close() != nil {
		t.Fatal(err)
	}
	write(t, file, dotted.Bytes())
	var e engine
	refs, err := LoadStored(t.Context(), &e, file, nil)
	if err != nil || len(refs) != 1 || refs[0] != testRef {
		t.Errorf("loaded %q, %v", refs, err)
	}
}

func TestSaveNamesAnImageThatIsNotThereAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	e := engine{has: map[string]image.InspectResponse{"a": {}}, save: []byte("archive")}
	err := Save(t.Context(), &e, []string{"a", "b"}, filepath.Join(dir, "x.tar"), nil)
	wantError(t, err, "image b: the Docker Engine does not have it")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
