package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// connecting counts how often an Engine is asked for.
func connecting(e Engine, err error) (connect func(context.Context) (Engine, error), times *int) {
	times = new(int)
	return func(context.Context) (Engine, error) { *times++; return e, err }, times
}

func TestDestinationsTakeTheirPlatforms(t *testing.T) {
	for text, names := range map[string][]string{"docker": nil, "oci:layout": nil, "tar:etcd.tar": {testPlatform.String()}} {
		connect, _ := connecting(&engine{}, nil)
		d, err := ParseDestination(text, connect)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Platforms(t.Context(), names)
		if err != nil || len(got) != 1 || got[0].String() != testPlatform.String() {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"floppy:A", "oci:", "tar", ""} {
		_, err := ParseDestination(text, nil)
		wantError(t, err, "must be docker, oci:FOLDER or tar:FILE")
	}
}

// What is wrong with the names of platforms is told before an Engine is looked for, and
// an Engine that is not there before anything is built for it.
func TestDestinationsRefuseBeforeTheyAsk(t *testing.T) {
	silent := errors.New("nobody answers")
	connect, times := connecting(nil, silent)
	d, err := ParseDestination("docker", connect)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *PlatformError
	if _, err := d.Platforms(t.Context(), []string{"amd64", "arm64"}); !errors.Is(err, ErrOnePlatform) || !errors.As(err, &wrong) {
		t.Errorf("two platforms: %v", err)
	}
	if _, err := d.Platforms(t.Context(), []string{"plan9"}); !errors.As(err, &wrong) {
		t.Errorf("plan9: %v", err)
	}
	if *times != 0 {
		t.Errorf("the engine was asked for %d times", *times)
	}
	if _, err := d.Platforms(t.Context(), []string{"amd64"}); !errors.Is(err, silent) {
		t.Errorf("without an engine: %v", err)
	}
}

func TestImagesArriveAtTheirDestination(t *testing.T) {
	imgs, err := BuildAll(t.Context(), Dir{Path: programs(t, testVersion)}, []v1.Platform{testPlatform})
	if err != nil {
		t.Fatal(err)
	}
	var to engine
	connect, _ := connecting(&to, nil)
	archive := filepath.Join(t.TempDir(), "etcd.tar")
	for _, text := range []string{"docker", "tar:" + archive} {
		d, err := ParseDestination(text, connect)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Platforms(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		bill := filepath.Join(t.TempDir(), "etcd.spdx.json")
		made, err := d.Put(t.Context(), testRef, bill, imgs, nil)
		if err != nil || made.Reference != testRef || !strings.HasPrefix(made.Digest, "sha256:") || made.Images[0].Etcd != testVersion {
			t.Errorf("%s: %+v, %v", text, made, err)
		}
		if _, err := os.Stat(bill); err != nil {
			t.Error(err)
		}
		if made, err = d.Put(t.Context(), "", "", imgs, nil); err != nil || made.Reference != "localhost/etcd:"+testVersion {
			t.Errorf("%s: %+v, %v", text, made, err)
		}
	}
	wantSameImage(t, to.loadedImage(t, testRef), imgs[0])
	if _, err := os.Stat(archive); err != nil {
		t.Error(err)
	}
}

func TestFilesOfABundleReplaceNothing(t *testing.T) {
	dir := t.TempDir()
	files := []File{{"docker-compose.yml", []byte("name: etcd\n")}, {"certs/ca/client/tls.crt", []byte("PEM")}}
	if err := errors.Join(CheckFiles(dir, files), WriteFiles(dir, files), CheckFiles(dir, files)); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"certs/ca/client": 0o700, "docker-compose.yml": 0o644, "certs/ca/client/tls.crt": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{"docker-compose.yml", "certs/ca/client/tls.crt"} {
		write(t, filepath.Join(dir, name), []byte("mine"))
	}
	err := CheckFiles(dir, files)
	if !errors.Is(err, ErrDiffers) {
		t.Errorf("files that differ: %v", err)
	}
	wantError(t, err, "docker-compose.yml is there", "tls.crt is there")
}
