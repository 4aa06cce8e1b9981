//go:build e2e

package e2e

import (
	"archive/tar"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// TestAcknowledgedWritesSurviveAFullDiskOfOneMember gives one member a small
// disk, fills it, and makes room again. The member fails for as long as it has
// no room, and comes back by itself.
func TestAcknowledgedWritesSurviveAFullDiskOfOneMember(t *testing.T) {
	const size = 200 << 20 // the log alone takes two segments of 64 MiB
	s := newStack(t)
	endpoints := s.publish("")
	s.generate()
	s.edit("  etcd2-data:\n", "  etcd2-data: {driver_opts: {type: tmpfs, device: tmpfs, o: size=200m}}\n")
	s.up()
	holder := s.hold(s.name + "_etcd2-data")
	l := startLoad(t, clientv3.Config{Endpoints: endpoints, TLS: s.clientTLS("clients/root")})
	l.wantMore(settledWrites)

	if err := copyInto(holder, "filler", 2*size); err == nil {
		t.Fatal("the disk is not full")
	}
	waitUntil(t, loadPatience, func() error {
		if s.restarts("etcd2") == "0" {
			return errors.New("etcd2 goes on with a full disk")
		}
		return nil
	})
	l.wantMore(settledWrites)

	if err := copyInto(holder, "filler", 0); err != nil {
		t.Fatal(err)
	}
	s.up()
	l.wantMore(settledWrites)
	l.finish()
	s.wantMembers(3)
}

// hold keeps a volume in use, and gives the container that does. A volume in
// memory would be empty after each restart of its only user.
func (s *stack) hold(volume string) string {
	s.t.Helper()
	name := uniqueName(namePrefix)
	s.t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "rm", "--force", name), ""); err != nil {
			s.t.Error(err)
		}
	})
	run(s.t, "", "docker", "run", "--detach", "--name", name, "--network", "none", "--volume", volume+":/held", s.ref, "etcd")
	return name
}

// copyInto writes a file of zeros into a held volume.
func copyInto(holder, name string, size int64) error {
	r, w := io.Pipe()
	cmd := exec.Command("docker", "cp", "-", holder+":/held")
	cmd.Stdin = r
	go func() {
		archive := tar.NewWriter(w)
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size})
		if err == nil {
			_, err = io.CopyN(archive, zeros{}, size)
		}
		w.CloseWithError(errors.Join(err, archive.Close()))
	}()
	defer r.Close()
	_, err := output(cmd, "")
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// restarts is how often the engine has started a member again.
func (s *stack) restarts(member string) string {
	s.t.Helper()
	id := strings.TrimSpace(s.compose("ps", "--all", "--quiet", member))
	return strings.TrimSpace(run(s.t, "", "docker", "inspect", "--format", "{{.RestartCount}}", id))
}
