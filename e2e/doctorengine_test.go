//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// Causes that take an engine to come about: a disk, a limit, a port, data of an
// earlier release. A failed up names them as the doctor does.

// failedUp starts a Compose file that was edited, in vain, and leaves it to
// the doctor.
func (s *stack) failedUp(words ...string) {
	s.t.Helper()
	_, err := s.tryEtcdctr("up", "--file-compose", "docker-compose.yml", "--keep", "--wait-timeout", "20s")
	wantExitCode(s.t, err, 1)
	wantError(s.t, err, words...)
}

func TestDoctorFindsADiskThatIsFull(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.edit("  etcd2-data:\n", "  etcd2-data: {driver_opts: {type: tmpfs, device: tmpfs, o: size=10m}}\n")
	s.failedUp("cause: etcd2: its disk is full", "hint: docker system df")
	if d := s.doctor("its disk is full"); d.Member != "etcd2" || !strings.Contains(d.Evidence, "no space left on device") {
		t.Errorf("got %+v", d)
	}
}

func TestDoctorFindsAMemberThatIsOutOfMemory(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.edit("  etcd1:\n    image:", "  etcd1:\n    mem_limit: 8m\n    image:")
	s.failedUp("etcd1")
	if d := s.doctor("it was ended for using more memory than its container may"); d.Member != "etcd1" {
		t.Errorf("got %+v", d)
	}
}

func TestDoctorFindsAPortThatAnotherContainerHas(t *testing.T) {
	s := newStack(t)
	_, port, err := net.SplitHostPort(etcdtest.FreeAddress(t, "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	other := s.name + "-other"
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "rm", "--force", other), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "run", "--detach", "--name", other, "--publish", "127.0.0.1:"+port+":2379", s.ref, "etcd")
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf("publish: loopback\nmembers: [{name: etcd1, client-port: %q}]\n", port))
	_, err = s.tryEtcdctr("up", "--keep")
	wantExitCode(t, err, 1)
	wantError(t, err, "cause: etcd1: its port "+port+" is taken by another container", "hint: docker ps --filter publish="+port)
	d := s.doctor("its port " + port + " is taken by another container")
	if holder := run(t, "", "sh", "-c", d.Command+" --format '{{.Names}}'"); holder != other+"\n" {
		t.Errorf("%q shows %q, want %s", d.Command, holder, other)
	}
}

func TestStartFindsCertificatesThatAreGone(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.compose("stop", "etcd2")
	if err := os.RemoveAll(filepath.Join(s.dir, "certs", "members", "etcd2")); err != nil {
		t.Fatal(err)
	}
	_, err := s.tryEtcdctr("start", "etcd2")
	wantExitCode(t, err, 1)
	wantError(t, err, "cause: etcd2: its certificates are not in "+s.dir, "hint: etcdctr certs create ")
	_, command, _ := strings.Cut(err.Error(), "hint: ")
	s.cure(diagnosis{Command: command})
}

// The engine would make empty folders of root's in the place of those that are gone, and
// says of a container whose folders it can't mount that it has no file at all.
func TestCertificatesThatWereMovedAwayAreNeitherMadeAnewNorTakenForLostData(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	s.etcdctr("stop")
	certs := filepath.Join(s.dir, "certs")
	if err := os.Rename(certs, certs+".away"); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"start", "restart"} {
		_, err := s.tryEtcdctr(verb)
		wantExitCode(t, err, 1)
		wantError(t, err, "its certificates are not in "+certs, "put the folder of certificates back that they were made in")
	}
	if out, err := s.tryEtcdctr("doctor"); err == nil || !strings.Contains(out, "certificates are missing in "+certs) {
		t.Errorf("the doctor ends with %v, and says\n%s", err, out)
	}
	if _, err := os.Stat(certs); err == nil {
		t.Fatalf("somebody has made %s", certs)
	}
	if err := os.Rename(certs+".away", certs); err != nil {
		t.Fatal(err)
	}
	s.etcdctr("start")
	if got := s.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("the value is %q", got)
	}
}

func TestDoctorFindsADatabaseThatIsFullAndCuresIt(t *testing.T) {
	s := newStack(t)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "quota-backend-bytes: 16MiB\n")
	s.etcdctr("up")
	const most = 1_400_000 // of a value: etcd takes requests up to 1.5 MiB
	writeFile(t, filepath.Join(s.dir, "value"), strings.Repeat("x", most))
	for i := 0; ; i++ {
		_, err := try(t, s.dir, "sh", "-c", s.command("etcdctl", "put", "key").String()+" < value")
		if err != nil {
			wantError(t, err, "database space exceeded")
			break
		}
		if i == 100 {
			t.Fatal("the database takes everything")
		}
	}
	d := s.doctor("its database reached the quota")
	s.etcdctr("etcdctl", "compaction", s.revision())
	s.cure(d)
	s.etcdctr("etcdctl", "put", "key", "value")
}

// revision is the store's.
func (s *stack) revision() string {
	s.t.Helper()
	var got struct {
		Header struct{ Revision int }
	}
	decode(s.t, s.etcdctr("etcdctl", "get", "key", "--keys-only", "--write-out", "json"), &got)
	return fmt.Sprint(got.Header.Revision)
}

// 3.7 cannot read what 3.5 wrote last, if 3.6 took no snapshot in between. `up` has
// it take one, Compose has not.
func TestDoctorFindsDataThatWasUpgradedTooFast(t *testing.T) {
	s := newStack(t)
	const oldest = 5
	for minor := oldest; minor < cluster.NewestMinor; minor++ {
		s.as(t, minor)
		s.generate("--members", "1")
		s.up()
		s.etcdctr("etcdctl", "put", "key", "value")
	}
	s.as(t, cluster.NewestMinor)
	s.generate("--members", "1")
	s.compose("up", "--detach")
	d := s.doctor("its log still holds entries of 3.5, which 3.7 can't read")
	if !strings.HasSuffix(d.Command, " --etcd 3.6") {
		t.Errorf("command %q", d.Command)
	}
	s.as(t, cluster.NewestMinor-1)
	s.etcdctr("up", "--members", "1")
	if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("after going back, the value is %q", got)
	}
}

func TestDoctorFindsDataOfANewerEtcd(t *testing.T) {
	for minor := cluster.NewestMinor; minor > cluster.OldestMinor; minor-- {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			s := newStack(t)
			s.as(t, minor)
			s.generate("--members", "1")
			s.up()
			s.as(t, minor-1) // up would take it there, Compose does not
			s.generate("--members", "1")
			s.compose("up", "--detach")
			d := s.doctor(fmt.Sprintf("its data was last written by etcd 3.%d, and this one is older", minor))
			if !strings.HasSuffix(d.Command, fmt.Sprintf(" --etcd 3.%d", minor)) {
				t.Errorf("command %q", d.Command)
			}
			s.as(t, minor)
			s.etcdctr("up", "--members", "1")
		})
	}
}

// The first member that is replaced does not come up: the others stay as they
// were, with the quorum, and all commands find them.
func TestAnUpgradeThatFailsCostsOneMemberAndNoMore(t *testing.T) {
	s := newStack(t)
	s.as(t, cluster.NewestMinor-1)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	s.ref = brokenImage(t)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf("etcd: \"%s\"\n", minorRelease(cluster.NewestMinor)))
	for range 2 { // one member more is not risked
		_, err := s.tryEtcdctr("up", "--wait-timeout", "20s")
		wantExitCode(t, err, 1)
		wantError(t, err, "ends again and again", "hint: `etcdctr logs")
		if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
			t.Errorf("while one is down, the value is %q", got)
		}
		out, err := s.tryEtcdctr("health")
		wantExitCode(t, err, 1)
		if serving := strings.Count(out, " "+minorRelease(cluster.NewestMinor-1)+"."); serving != 2 {
			t.Errorf("%d members of the old release serve, want 2:\n%s", serving, out)
		}
	}
	s.as(t, cluster.NewestMinor-1)
	s.etcdctr("up")
	s.etcdctr("health")
	s.as(t, cluster.NewestMinor)
	s.etcdctr("up")
	s.etcdctr("health")
	if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("after the upgrade, the value is %q", got)
	}
}

// brokenImage says that it is of the newest release, and its etcd is another program.
func brokenImage(t *testing.T) string {
	t.Helper()
	return must(t, func() (string, error) {
		return buildEtcdImageAs("etcd-broken", cluster.NewestMinor, "COPY etcdctl /usr/local/bin/etcd\n")
	})
}

// as makes the stack one of another release of etcd.
func (s *stack) as(t *testing.T, minor int) {
	t.Helper()
	s.ref = etcdImage(t, minor)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf("etcd: \"3.%d\"\n", minor))
}
