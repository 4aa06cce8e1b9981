//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// startRegistry gives the address of a registry on loopback, which engines
// speak plain HTTP to.
func startRegistry(t *testing.T) string {
	t.Helper()
	return serveRegistry(t, newRegistry())
}

func newRegistry() http.Handler {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return registry.New(quiet, registry.WithReferrersSupport(true))
}

func serveRegistry(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// startRegistryWithLogin gives the address of a registry that knows one user,
// and its password.
func startRegistryWithLogin(t *testing.T) (host, user, password string) {
	t.Helper()
	next := newRegistry()
	user, password = "writer", "correct horse"
	return serveRegistry(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})), user, password
}

func TestRegistryWithALoginIsPushedToAndPulledFromByWhatDockerLoginLeft(t *testing.T) {
	host, user, password := startRegistryWithLogin(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s := newStack(t)
	layout := filepath.Join(t.TempDir(), "layout")
	runBuild(t, "--output", "oci:"+layout)
	s.ref = host + "/etcd:" + cluster.DefaultVersion.String()
	removeImage(t, s.ref)

	hint := "hint: `docker login " + host + "`"
	_, err := try(t, s.dir, etcdctrBinary(t), "image", "push", "--from", layout, s.ref)
	wantError(t, err, "registry "+host+": it wants another login", hint)
	_, err = s.tryEtcdctr("up", "--pull", "always")
	wantError(t, err, "cannot pull the image "+s.ref, hint)

	login := exec.Command("docker", "login", "--username", user, "--password-stdin", host)
	login.Stdin = strings.NewReader(password)
	if _, err := output(login, s.dir); err != nil {
		t.Fatal(err)
	}
	run(t, s.dir, etcdctrBinary(t), "image", "push", "--from", layout, s.ref)
	s.etcdctr("up", "--pull", "always")
	s.wantMembers(3)
}

func TestBundleFetchesWhatTheEngineLacks(t *testing.T) {
	host, nowhere := startRegistry(t), etcdtest.FreeAddress(t, "127.0.0.1")
	built := buildImage(t)
	pulled, missing := host+"/etcd:"+cluster.DefaultVersion.String(), nowhere+"/etcd:"+cluster.DefaultVersion.String()
	removeImage(t, pulled)
	layout := filepath.Join(t.TempDir(), "layout")
	runBuild(t, "--output", "oci:"+layout)
	run(t, t.TempDir(), etcdctrBinary(t), "image", "push", "--from", layout, pulled)
	_, err := try(t, t.TempDir(), etcdctrBinary(t), "image", "bundle", "--tls", "none", "--image", missing, "--output", filepath.Join(t.TempDir(), "bundle.tar"))
	wantError(t, err, "cannot pull the image "+missing)
	for ref, said := range map[string]string{
		pulled: "pull " + pulled + ": done",
	} {
		bundle := filepath.Join(t.TempDir(), "bundle.tar")
		args := []string{"image", "bundle", "--tls", "none", "--image", ref, "--output", bundle}
		_, err := try(t, t.TempDir(), etcdctrBinary(t), append(args, "--pull", "never")...)
		wantError(t, err, "the image "+ref+" is not on the engine, and is not to be pulled")

		cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), args...)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), said) {
			t.Errorf("%v, want %q in\n%s", err, said, out)
		}
		run(t, t.TempDir(), "docker", "rmi", "--force", ref)
		run(t, t.TempDir(), etcdctrBinary(t), "image", "load", bundle)
		wantImage(t, ref, built.Digest)
	}
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
