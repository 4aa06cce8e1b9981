//go:build e2e

package e2e

import (
	"io"
	"log"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// startRegistry gives the address of a registry on loopback, which engines
// speak plain HTTP to.
func startRegistry(t *testing.T) string {
	t.Helper()
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	server := httptest.NewServer(registry.New(quiet, registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPushedImagesCanBePulledByTheEngine(t *testing.T) {
	host := startRegistry(t)
	built := buildImage(t)
	layout := filepath.Join(t.TempDir(), "layout")
	runBuild(t, "--output", "oci:"+layout)
	archive := filepath.Join(t.TempDir(), "image.tar")
	runBuild(t, "--output", "tar:"+archive)

	fromEngine := host + "/engine:1"
	removeImage(t, fromEngine)
	run(t, t.TempDir(), "docker", "tag", built.Reference, fromEngine)
	for _, push := range [][]string{
		{fromEngine},
		{host + "/layout:1", "--from", layout},
		{host + "/archive:1", "--from", archive},
	} {
		t.Run(strings.TrimPrefix(push[0], host+"/"), func(t *testing.T) {
			pushed := strings.TrimSpace(run(t, t.TempDir(), etcdctrBinary(t), append([]string{"image", "push"}, push...)...))
			removeImage(t, pushed)
			_ = exec.Command("docker", "rmi", "--force", built.Digest).Run() // so that all of it comes from the registry
			run(t, t.TempDir(), "docker", "pull", "--quiet", pushed)
			wantImage(t, pushed, built.Digest)
		})
	}
}

func TestPushBringsTheBillOfMaterials(t *testing.T) {
	host := startRegistry(t)
	layout := filepath.Join(t.TempDir(), "layout")
	runBuild(t, "--output", "oci:"+layout)
	pushed := strings.TrimSpace(run(t, t.TempDir(), etcdctrBinary(t), "image", "push", "--from", layout, host+"/etcd:1"))
	_, digest, _ := strings.Cut(pushed, "@")
	ref, err := name.NewDigest(host + "/etcd@" + digest)
	if err != nil {
		t.Fatal(err)
	}
	referrers, err := remote.Referrers(ref)
	if err != nil {
		t.Fatal(err)
	}
	index, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 1 {
		t.Errorf("referrers: %+v", index.Manifests)
	}
}
