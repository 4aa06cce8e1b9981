package images

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/image"
)

// dockerArchive is what an Engine answers to a save.
func dockerArchive(t *testing.T, img *Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := writeDockerArchive(&buf, img, []string{testRef}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestBundleGivesImagesAndFilesBack(t *testing.T) {
	img := one(t)[0]
	bundle := filepath.Join(t.TempDir(), "bundle.tar")
	files := []File{{"docker-compose.yml", []byte("name: etcd\n")}, {"certs/ca/client/tls.crt", []byte("PEM")}}
	from := engine{has: map[string]image.InspectResponse{testRef: {}}, save: dockerArchive(t, img)}
	if err := WriteBundle(t.Context(), &from, []string{testRef}, files, bundle, nil); err != nil {
		t.Fatal(err)
	}
	got, err := BundledFiles(t.Context(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var to engine
	if _, err := LoadStored(t.Context(), &to, bundle, nil); err != nil {
		t.Fatal(err)
	}
	wantSameImage(t, to.loadedImage(t, testRef), img)
}

func TestBundleRefusesImagesNamedByDigestWhichItWouldLoseTheNameOf(t *testing.T) {
	ref := "etcd@sha256:" + strings.Repeat("a", 64)
	err := WriteBundle(t.Context(), &engine{}, []string{ref}, nil, filepath.Join(t.TempDir(), "x.tar"), nil)
	wantError(t, err, ref, "write it as REPOSITORY:TAG")
}

func TestBundledFilesRefuses(t *testing.T) {
	for name, header := range map[string]tar.Header{
		"a link":                  {Name: "stack/docker-compose.yml", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"},
		"a path out of its place": {Name: "stack//etc/cron.d/evil", Typeflag: tar.TypeReg},
		"a huge file":             {Name: "stack/docker-compose.yml", Typeflag: tar.TypeReg, Size: 10 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			var buf bytes.Buffer
			if err := tar.NewWriter(&buf).WriteHeader(&header); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "x.tar")
			write(t, file, buf.Bytes())
			_, err := BundledFiles(t.Context(), file)
			wantError(t, err, header.Name, "tampered with")
		})
	}
}

// An archive goes where its name leads.
func TestArchivesAreWrittenWhereTheNameLeads(t *testing.T) {
	img := one(t)[0]
	from := engine{has: map[string]image.InspectResponse{testRef: {}}, save: dockerArchive(t, img)}
	for what, write := range map[string]func(file string) error{
		"a bundle": func(file string) error { return WriteBundle(t.Context(), &from, []string{testRef}, nil, file, nil) },
		"saved":    func(file string) error { return Save(t.Context(), &from, []string{testRef}, file, nil) },
		"made": func(file string) error {
			_, err := WriteArchive(t.Context(), file, testRef, []*Image{img})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			link, target := filepath.Join(dir, "link"), filepath.Join(dir, "target")
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
			if err := write(link); err != nil {
				t.Fatal(err)
			}
			if st, err := os.Lstat(link); err != nil || st.Mode().Type() != fs.ModeSymlink {
				t.Errorf("the symbolic link is %v, %v", st, err)
			}
			if _, err := os.Stat(target); err != nil {
				t.Error(err)
			}
		})
	}
}
