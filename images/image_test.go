package images

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func build(t *testing.T, s Source) *Image {
	t.Helper()
	b, err := s.Binaries(t.Context(), testPlatform)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Build(b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func oci(t *testing.T, img *Image) v1.Image {
	t.Helper()
	o, err := img.OCI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// listing shows an image's files as "mode uid:gid name", the way they are
// unpacked.
func listing(t *testing.T, img v1.Image) []string {
	t.Helper()
	var lines []string
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %d:%d %s", h.FileInfo().Mode(), h.Uid, h.Gid, h.Name)
		if h.Linkname != "" {
			line += " -> " + h.Linkname
		}
		lines = append(lines, line)
	}
}

func TestImageOfThreeProgramsHasTheOfficialLayout(t *testing.T) {
	img := oci(t, build(t, Dir{Path: programs(t, testVersion)}))
	want := []string{
		"drwxr-xr-x 0:0 etc",
		"drwxr-xr-x 0:0 etc/ssl",
		"drwxr-xr-x 0:0 etc/ssl/certs",
		"drwxr-xr-x 0:0 usr",
		"drwxr-xr-x 0:0 usr/local",
		"drwxr-xr-x 0:0 usr/local/bin",
		"drwxr-xr-x 0:0 var",
		"drwxr-xr-x 0:0 var/lib",
		"drwx------ 65532:65532 var/lib/etcd",
		"drwx------ 65532:65532 etcd-data",
		"-rw-r--r-- 0:0 etc/group",
		"-rw-r--r-- 0:0 etc/passwd",
		"-rw-r--r-- 0:0 etc/ssl/certs/ca-certificates.crt",
		"-rwxr-xr-x 0:0 usr/local/bin/etcd",
		"-rwxr-xr-x 0:0 usr/local/bin/etcdctl",
		"-rwxr-xr-x 0:0 usr/local/bin/etcdutl",
	}
	if diff := cmp.Diff(want, listing(t, img)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestImageOfOneBinaryLinksTheOtherNamesToIt(t *testing.T) {
	img := oci(t, build(t, Self{File: filepath.Join(programs(t, testVersion), "etcdctr")}))
	want := []string{
		"-rwxr-xr-x 0:0 usr/local/bin/etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/backup -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/carrier -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/dns -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/etcdctl -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/etcdutl -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/lookat -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/relay -> etcd",
		"Lrwxrwxrwx 0:0 usr/local/bin/setaside -> etcd",
	}
	var got []string
	for _, line := range listing(t, img) {
		if strings.Contains(line, "usr/local/bin/") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

func TestImageRunsAsTheOfficialOneButNotAsRoot(t *testing.T) {
	cf, err := oci(t, build(t, Dir{Path: programs(t, testVersion)})).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		User:         "65532:65532",
		WorkingDir:   "/var/lib/etcd",
		ExposedPorts: map[string]struct{}{"2379/tcp": {}, "2380/tcp": {}},
		Cmd:          []string{"/usr/local/bin/etcd"},
		Env:          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "etcd",
			"org.opencontainers.image.version":  "v3.7.3",
			"org.opencontainers.image.revision": "v3.7.3",
			"org.opencontainers.image.source":   "https://github.com/etcd-io/etcd",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	if diff := cmp.Diff(want, cf.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestSameProgramsInAnotherFolderGiveTheSameDigest(t *testing.T) {
	one := build(t, Dir{Path: copyPrograms(t)})
	two := build(t, Dir{Path: copyPrograms(t)})
	if one.ID() != two.ID() {
		t.Errorf("IDs differ: %s, %s", one.ID(), two.ID())
	}
	a, err := oci(t, one).Digest()
	if err != nil {
		t.Fatal(err)
	}
	b, err := oci(t, two).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if a != b {
		t.Errorf("digests differ: %s, %s", a, b)
	}
}

func TestImageIsValid(t *testing.T) {
	img := build(t, Dir{Path: programs(t, testVersion)})
	if err := validate.Image(oci(t, img)); err != nil {
		t.Error(err)
	}
	name, err := oci(t, img).ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if name.String() != img.ID() {
		t.Errorf("the manifest's configuration is %s, the image's ID %s", name, img.ID())
	}
}
