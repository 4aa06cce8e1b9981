package images

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const testRef = "localhost/etcd:v3.7.3"

// Images that tests share: compressing one takes longer than most of them.
var shared struct {
	sync.Mutex
	one, other *Image
}

// two gives images of one release for two platforms.
func two(t *testing.T) []*Image {
	t.Helper()
	first := one(t)[0]
	shared.Lock()
	defer shared.Unlock()
	if shared.other == nil {
		shared.other = otherImage(t)
	}
	return []*Image{shared.other, first}
}

func otherImage(t *testing.T) *Image {
	t.Helper()
	dir, err := os.MkdirTemp(built.root, "other") //nolint:usetesting // other tests use it after this one
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names {
		copyFile(t, filepath.Join(programs(t, testVersion), name), filepath.Join(dir, name))
	}
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
	return other
}

func one(t *testing.T) []*Image {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.one == nil {
		shared.one = build(t, Dir{Path: programs(t, testVersion)})
	}
	return []*Image{shared.one}
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
