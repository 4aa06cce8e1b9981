//go:build e2e && linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// TestAdoptTellsAFolderFromThatOfAContainer has a container with a member's data at the path
// of a folder of the machine: in a volume of its own, and in that very folder.
func TestAdoptTellsAFolderFromThatOfAContainer(t *testing.T) {
	home, dir := t.TempDir(), filepath.Join(t.TempDir(), "data")
	client, peer := "http://"+etcdtest.FreeAddress(t, "127.0.0.1"), "http://"+etcdtest.FreeAddress(t, "127.0.0.1")
	args := []string{
		"--data-dir=" + dir, "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
	}
	here := exec.Command(etcdBinary(t, cluster.NewestMinor, "etcd"), append(args, "--name=here", "--initial-cluster=here="+peer)...)
	background(t, home, here)
	eventually(t, "data here of the newest release", func() error {
		out, err := output(exec.Command(etcdBinary(t, cluster.NewestMinor, "etcdctl"), "--endpoints", client, "endpoint", "status", "--write-out", "json"), home)
		if want := fmt.Sprintf(`"storageVersion":"3.%d.0"`, cluster.NewestMinor); err == nil && !strings.Contains(out, want) {
			err = fmt.Errorf("no %s in %s", want, out)
		}
		return err
	})
	if err := here.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = here.Wait() // the signal is its end
	contained := func(name, volume string) {
		container := uniqueName(namePrefix)
		removeAtEnd(t, "rm", "--force", "--volumes", container)
		run(t, "", "docker", append([]string{
			"run", "--detach", "--name", container, "--user", "0:0", "--volume", volume, etcdImage(t, cluster.NewestMinor),
			"etcd", "--name=" + name, "--initial-cluster=" + name + "=" + peer,
		}, args...)...)
		eventually(t, "a member in a container", func() error {
			_, err := output(exec.Command("docker", "exec", container, "etcdctl", "--endpoints", client, "endpoint", "health"), home)
			return err
		})
	}
	adopt := func() (string, error) {
		return output(exec.Command(etcdctrBinary(t), "adopt", "--dry-run", "--name", uniqueName(namePrefix), dir), home)
	}
	contained("contained", dir)
	if out, err := adopt(); err != nil || !strings.Contains(out, "apply here") || strings.Contains(out, "contained") {
		t.Errorf("beside a container it says %v\n%s", err, out)
	}
	contained("here", dir+":"+dir)
	if out, err := adopt(); err == nil || !strings.Contains(err.Error(), "a process in a container has it open") {
		t.Errorf("in a container it says %v\n%s", err, out)
	}
}
