package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/moby/moby/client"
)

const testRef = "localhost/etcd:v3.7.3"

// two gives images of one release for two platforms.
func two(t *testing.T) []*Image {
	t.Helper()
	dir := copyPrograms(t)
	for _, name := range Names {
		convert(t, filepath.Join(dir, name), otherPlatform().Architecture)
	}
	b, err := Dir{Path: dir}.Binaries(t.Context(), otherPlatform())
	if err != nil {
		t.Fatal(err)
	}
	other, err := Build(b)
	if err != nil {
		t.Fatal(err)
	}
	return []*Image{other, one(t)[0]}
}

func one(t *testing.T) []*Image {
	t.Helper()
	return []*Image{build(t, Dir{Path: programs(t, testVersion)})}
}

func TestLayoutHoldsTheImageAndItsBillOfMaterials(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	digest, err := WriteLayout(t.Context(), dir, testRef, one(t))
	if err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Manifests[0]; got.Digest != digest || got.Annotations[containerdName] != testRef {
		t.Errorf("the index begins with %+v", got)
	}
	bill, err := index.Image(m.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	wantBill(t, bill, digest)
}

// wantBill makes sure that an artifact is the bill of materials of subject.
func wantBill(t *testing.T, artifact v1.Image, subject v1.Hash) {
	t.Helper()
	m, err := artifact.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject == nil || m.Subject.Digest != subject || m.ArtifactType != "application/spdx+json" {
		t.Errorf("the referrer is %+v", m)
	}
}

func TestBillOfMaterialsListsProgramsAndTheirModules(t *testing.T) {
	raw, err := one(t)[0].SBOM()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		SPDXVersion string
		Packages    []struct {
			Name         string
			VersionInfo  string
			ExternalRefs []struct{ ReferenceLocator string }
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range doc.Packages {
		got = append(got, p.Name+" "+p.VersionInfo+" "+p.ExternalRefs[0].ReferenceLocator)
	}
	goVersion := build(t, Dir{Path: programs(t, testVersion)}).Binaries.Programs[0].Go.GoVersion
	want := []string{
		"etcd v3.7.3 pkg:oci/etcd?arch=" + testPlatform.Architecture,
		"etcd v3.7.3 pkg:golang/go.etcd.io/etcd/server/v3@v3.7.3",
		"stdlib " + goVersion + " pkg:golang/stdlib@" + strings.TrimPrefix(goVersion, "go"),
		"go.etcd.io/etcd/api/v3 v3.7.3 pkg:golang/go.etcd.io/etcd/api/v3@v3.7.3",
		"etcdctl v3.7.3 pkg:golang/go.etcd.io/etcd/etcdctl/v3@v3.7.3",
		"etcdutl v3.7.3 pkg:golang/go.etcd.io/etcd/etcdutl/v3@v3.7.3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestLayoutKeepsOtherReferencesAndReplacesItsOwn(t *testing.T) {
	dir := t.TempDir()
	for _, ref := range []string{"localhost/etcd:a", "localhost/etcd:b", "localhost/etcd:a"} {
		if _, err := WriteLayout(t.Context(), dir, ref, one(t)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := WriteLayout(t.Context(), dir, "localhost/etcd:c", two(t)); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, d := range m.Manifests {
		if ref := d.Annotations[containerdName]; ref != "" {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	want := []string{"localhost/etcd:a", "localhost/etcd:b", "localhost/etcd:c"}
	if diff := cmp.Diff(want, refs); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestLayoutRefusesAFolderWithOtherThings(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.tex"), nil)
	_, err := WriteLayout(t.Context(), dir, testRef, one(t))
	wantError(t, err, "holds files and is no OCI layout", "choose an empty or a new folder")
}

func TestInterruptedWritesLeaveNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	imgs := one(t)
	oci(t, imgs[0]) // compressed already, so that writing is what is interrupted
	cancel()
	root := t.TempDir()
	for name, write := range map[string]func(context.Context, string, string, []*Image) (v1.Hash, error){
		"layout": WriteLayout, "archive.tar": WriteArchive,
	} {
		if _, err := write(ctx, filepath.Join(root, name), testRef, imgs); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want an interruption", name, err)
		}
	}
	left, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSeveralPlatformsBecomeAnIndex(t *testing.T) {
	dir := t.TempDir()
	digest, err := WriteLayout(t.Context(), dir, testRef, two(t))
	if err != nil {
		t.Fatal(err)
	}
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := top.ImageIndex(digest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range m.Manifests {
		platforms = append(platforms, d.Platform.String())
	}
	want := []string{testPlatform.String(), otherPlatform().String()}
	slices.Sort(want)
	if diff := cmp.Diff(want, platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}

func TestImagesOfDifferentReleasesDoNotShareAReference(t *testing.T) {
	older := build(t, Dir{Path: programs(t, "v3.6.16")})
	_, err := WriteLayout(t.Context(), t.TempDir(), testRef, []*Image{one(t)[0], older})
	wantError(t, err, "images of different etcd releases (v3.7.3, v3.6.16)")
	_, err = WriteLayout(t.Context(), t.TempDir(), testRef, []*Image{one(t)[0], one(t)[0]})
	wantError(t, err, testPlatform.String()+" is given twice")
}

func TestArchiveIsReproducibleAndReadsAsADockerArchive(t *testing.T) {
	dir := t.TempDir()
	var archives [][]byte
	for _, name := range []string{"a.tar", "b.tar"} {
		file := filepath.Join(dir, name)
		if _, err := WriteArchive(t.Context(), file, testRef, one(t)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, data)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one image differ")
	}
	tag, err := name.NewTag(testRef)
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(filepath.Join(dir, "a.tar"), &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
}

// startRegistry gives the address of a registry on loopback.
func startRegistry(t *testing.T) string {
	t.Helper()
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	server := httptest.NewServer(registry.New(quiet, registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPushBringsTheBillOfMaterialsAndMovesTheTagLast(t *testing.T) {
	ref := startRegistry(t) + "/etcd:v3.7.3"
	digest, err := Push(t.Context(), ref, two(t), PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := index.Digest(); err != nil || got != digest {
		t.Errorf("the tag is %s (%v), pushed was %s", got, err, digest)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		referrers, err := remote.Referrers(tag.Context().Digest(d.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		rm, err := referrers.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(rm.Manifests) != 1 {
			t.Fatalf("%s has the referrers %+v", d.Platform, rm.Manifests)
		}
		bill, err := remote.Image(tag.Context().Digest(rm.Manifests[0].Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		wantBill(t, bill, d.Digest)
	}
}

func TestEveryWayIntoARegistryGivesTheSameDigest(t *testing.T) {
	host := startRegistry(t)
	dir := t.TempDir()
	want, err := Push(t.Context(), host+"/direct:1", one(t), PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WriteLayout(t.Context(), filepath.Join(dir, "layout"), testRef, one(t)); err != nil {
		t.Fatal(err)
	}
	got, err := PushStored(t.Context(), filepath.Join(dir, "layout"), host+"/layout:1", PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("through a layout %s, directly %s", got, want)
	}
}

// engine is a Docker Engine of the test's platform that keeps what it is sent.
type engine struct {
	has    map[string]bool // references and IDs
	answer string          // to a load; "" is success
	loaded bytes.Buffer
	tagged []string
	save   []byte
}

func (e *engine) ServerVersion(context.Context, client.ServerVersionOptions) (client.ServerVersionResult, error) {
	return client.ServerVersionResult{Os: testPlatform.OS, Arch: testPlatform.Architecture}, nil
}

func (e *engine) ImageInspect(_ context.Context, image string, _ ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	if !e.has[image] {
		return client.ImageInspectResult{}, errdefs.ErrNotFound
	}
	return client.ImageInspectResult{}, nil
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

func (e *engine) ImageSave(context.Context, []string, ...client.ImageSaveOption) (client.ImageSaveResult, error) {
	return io.NopCloser(bytes.NewReader(e.save)), nil
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
	e := engine{has: map[string]bool{img.ID(): true}}
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
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"cut short":          {data[:len(data)/2], "is damaged, cut short or no tar archive"},
		"not an archive":     {bytes.Repeat([]byte("hello"), 500), "is damaged, cut short or no tar archive"},
		"outside the folder": {outside.Bytes(), `"../../root/.ssh/authorized_keys", a path outside the archive`},
		"no image in it":     {make([]byte, 1024), "holds no images"},
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

func TestSaveNamesAnImageThatIsNotThereAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	e := engine{has: map[string]bool{"a": true}, save: []byte("archive")}
	err := Save(t.Context(), &e, []string{"a", "b"}, filepath.Join(dir, "x.tar"), nil)
	wantError(t, err, "image b: the Docker Engine does not have it")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
