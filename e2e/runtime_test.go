//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	etcdimages "github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/runtimetest"
)

// TestContractOfRuntimeDocker runs the suite of all runtimes on the engine.
func TestContractOfRuntimeDocker(t *testing.T) {
	t.Parallel()
	image, binary := etcdImage(t, cluster.NewestMinor), etcdctrBinary(t)
	dir := t.TempDir()
	engine := engineClient(t)
	runtimetest.Run(t, runtimetest.Fixture{
		Prefix: uniqueName(namePrefix) + "-",
		Runtime: func(_ *testing.T, events func(runtime.Event)) runtime.Runtime {
			return docker.New(docker.Options{
				Engine: engine, Folder: dir, CertsDir: "certs", DNSDir: "dns", LockDir: dir,
				Pull: docker.PullNever, Self: etcdimages.Self{File: binary}, Events: events,
			})
		},
		Describe: func(s *cluster.Spec) { s.Image = image },
		Spoil:    func(c *cluster.Cluster) { c.Image = "localhost/nowhere:v3.7.3" },
		Crash: func(t *testing.T, name, server string) {
			t.Helper()
			run(t, "", "docker", "kill", name+"-"+server+"-1")
		},
		Holds: func(t *testing.T, _, _, where string) bool {
			t.Helper()
			at, volume, _ := strings.Cut(where, " in the volume ")
			folder := run(t, "", "docker", "volume", "inspect", "--format", "{{.Mountpoint}}", volume)
			_, err := os.Stat(strings.Replace(at, cluster.ContainerVolumeDir, strings.TrimSpace(folder), 1) + "/member/wal")
			return err == nil
		},
		Bystander: bystander,
	})
}

// engineClient is a client of the engine that the docker command uses.
func engineClient(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Ping(t.Context(), client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		t.Fatal(err)
	}
	return c
}

// bystander is an application in a Compose project of the cluster's name, with a
// volume that has the name of a member's data but for the project's.
func bystander(t *testing.T, name string) (untouched func() error) {
	t.Helper()
	container, volume := name+"-web-1", name+"_web-data"
	label := "com.docker.compose.project=" + name
	run(t, "", "docker", "volume", "create", "--label", label, "--label", "com.docker.compose.volume=web-data", volume)
	removeAtEnd(t, "volume", "rm", volume)
	run(t, "", "docker", "run", "--detach", "--name", container, "--label", label, "--label", "com.docker.compose.service=web",
		"--volume", volume+":/var/lib/etcd", etcdImage(t, cluster.NewestMinor))
	removeAtEnd(t, "rm", "--force", container)
	look := func() (string, error) {
		state, err := output(exec.Command("docker", "inspect", "--format", "{{.Id}} {{.State.Running}} {{.State.StartedAt}}", container), "")
		return state, err
	}
	before, err := look()
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		now, err := look()
		if err == nil && now != before {
			t.Errorf("%s was %s and is %s", container, before, now)
		}
		return err
	}
}

// removeAtEnd runs docker once the test has ended.
func removeAtEnd(t *testing.T, args ...string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", args...), ""); err != nil {
			t.Error(err)
		}
	})
}
