//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The image's user is another than that of upstream's image, which is root: data of
// root's is refused, and what docs/images.md says of it helps.
func TestDataOfAnImageThatRanAsRootIsGoneOnWithByOurs(t *testing.T) {
	volume := uniqueName(namePrefix)
	d := &dataOfRoots{t: t, ref: buildImage(t).Reference, volume: volume, name: volume}
	run(t, t.TempDir(), "docker", "volume", "create", volume)
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "volume", "rm", volume).CombinedOutput(); err != nil {
			t.Errorf("cannot remove the volume: %v\n%s", err, out)
		}
	})
	if said, err := d.refused(); err == nil || !strings.Contains(said, "permission denied") {
		t.Errorf("a volume of root's: %v\n%s", err, said)
	}
	d.serve([]string{"--user", "0"}, "put", "name", "kept")
	if said, err := d.refused(); err == nil || !strings.Contains(said, "permission denied") {
		t.Errorf("data of root's: %v\n%s", err, said)
	}
	run(t, t.TempDir(), "sh", "-ec", fmt.Sprintf(`chown -R 65532:65532 "$(docker volume inspect --format '{{.Mountpoint}}' %s)"`, volume))
	if got := d.serve(nil, "get", "name", "--print-value-only"); got != "kept\n" {
		t.Errorf("the value is %q, want kept", got)
	}
}

// dataOfRoots is a volume for another folder than the one that the image has.
type dataOfRoots struct {
	t                 *testing.T
	ref, volume, name string
}

func (d *dataOfRoots) args(flags ...string) []string {
	args := append([]string{"run", "--name", d.name, "--network", "none", "--volume", d.volume + ":/data"}, flags...)
	return append(args, d.ref, "etcd", "--data-dir", "/data")
}

// refused runs a member that ends by itself.
func (d *dataOfRoots) refused() (string, error) {
	d.t.Helper()
	out, err := exec.CommandContext(d.t.Context(), "docker", d.args("--rm")...).CombinedOutput()
	return string(out), err
}

// serve runs a member until it has done one command of etcdctl.
func (d *dataOfRoots) serve(flags []string, command ...string) string {
	d.t.Helper()
	run(d.t, d.t.TempDir(), "docker", d.args(append([]string{"--detach"}, flags...)...)...)
	defer run(d.t, "/", "docker", "rm", "--force", d.name)
	waitUntil(d.t, readyTimeout, func() error {
		_, err := try(d.t, d.t.TempDir(), "docker", "exec", d.name, "etcdctl", "endpoint", "health")
		return err
	})
	return run(d.t, d.t.TempDir(), "docker", append([]string{"exec", d.name, "etcdctl"}, command...)...)
}
