//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What etcd's log says is recognised by the tests of package doctor, each text
// provoked from a real etcd. These tests are about the rest: what the engine
// knows, and whether the command that is named puts things right.

// diagnosis is what `etcdctr doctor --format json` prints.
type diagnosis struct {
	Healthy                bool
	Member, Cause, Command string
	ByHand, Evidence       string
}

// doctor asks until the cause is the wanted one: a member that crashes takes a
// moment to come to it.
func (s *stack) doctor(cause string) diagnosis {
	s.t.Helper()
	var d diagnosis
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		out, code := s.verdict("doctor", "--format", "json")
		d = diagnosis{}
		decode(s.t, out, &d)
		if (code == 0) != d.Healthy {
			s.t.Fatalf("exit code %d with %+v", code, d)
		}
		if strings.Contains(d.Cause, cause) {
			return d
		}
	}
	s.t.Fatalf("the cause is %+v, want %q", d, cause)
	return d
}

// cure runs the command that was named and wants the stack to be well.
func (s *stack) cure(d diagnosis) {
	s.t.Helper()
	path := "PATH=" + filepath.Dir(etcdctrBinary(s.t)) + ":$PATH"
	run(s.t, s.dir, "sh", "-c", path+"; "+d.Command)
	if report, code := s.health("--timeout", "10s"); code != 0 {
		s.t.Errorf("%q leaves %q", d.Command, report.Failures)
	}
}

func TestDoctorHasNothingToSayOfAHealthyStack(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	if out, code := s.verdict("doctor"); code != 0 || out != "" {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestDoctorKnowsAStackThatIsNotThere(t *testing.T) {
	s := newStack(t)
	d := s.doctor("there is no cluster of this name")
	if want := "etcdctr up --name " + s.name; d.Command != want {
		t.Errorf("command %q, want %q", d.Command, want)
	}
}

func TestDoctorFindsTheMemberThatWasStoppedAndCuresIt(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.compose("stop", "etcd2")
	d := s.doctor("it was stopped")
	if d.Member != "etcd2" {
		t.Errorf("member %q", d.Member)
	}
	s.cure(d)
}

func TestDoctorFindsAKeyThatDoesNotFitAndCuresIt(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	members := filepath.Join(s.dir, "certs", "members")
	key, err := os.ReadFile(filepath.Join(members, "etcd2", "server", "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(members, "etcd1", "server", "tls.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	s.compose("restart", "etcd1")
	d := s.doctor("its certificate and its key don't belong together")
	if d.Member != "etcd1" {
		t.Errorf("member %q", d.Member)
	}
	s.cure(d)
}

// What a member's container was made with is not what its data is of, by which members can't
// go over while they run: nobody serves.
func TestDoctorFindsDataOfMembersWithoutTLSAndCuresIt(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--tls", "none")
	s.etcdctr("etcdctl", "put", "key", "value")
	s.etcdctr("down")
	if _, err := try(t, s.dir, etcdctrBinary(t), "up", "--tls", "mutual", "--wait-timeout", "3s"); err == nil {
		t.Fatal("members with TLS go on from data of members without")
	}
	s.cure(s.doctor("the data is of a cluster without TLS"))
	if out := s.etcdctr("etcdctl", "get", "--print-value-only", "key"); out != "value\n" {
		t.Errorf("the value is %q", out)
	}
	s.etcdctr("down", "--volumes", "--yes")
}

// Etcd reads its certificate at every handshake: a member runs on without it, and its log has
// only what it said of others while all were started.
func TestDoctorFindsAKeyThatARunningMemberHasLostAndCuresIt(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.etcdctr("restart")
	if err := os.Remove(filepath.Join(s.dir, "certs", "members", "etcd3", "server", "tls.key")); err != nil {
		t.Fatal(err)
	}
	d := s.doctor("members/etcd3/server tls.key is missing")
	if d.Member != "etcd3" {
		t.Errorf("member %q", d.Member)
	}
	s.cure(d)
}

func TestDoctorTellsAClusterThatIsDownFromOneThatNeverWas(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.etcdctr("down")
	if out, code := s.verdict("health", "--format", "json"); code != 1 || !strings.Contains(out, `"healthy": false`) || !strings.Contains(out, "is down") {
		t.Errorf("health ends with %d: %s", code, out)
	}
	s.cure(s.doctor("is down: none of its members is there, and the data is kept of etcd1, etcd2, etcd3"))
}

func TestDoctorFindsAMemberWhoseDataIsGone(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.compose("rm", "--stop", "--force", "etcd2")
	run(t, s.dir, "docker", "volume", "rm", s.name+"_etcd2-data")
	s.compose("up", "--detach", "etcd2")
	d := s.doctor("its data is gone")
	if d.Member != "etcd2" || !strings.Contains(d.Cause, "the others have it") || strings.Contains(d.Command+d.ByHand, "--volumes") {
		t.Errorf("got %+v", d)
	}
}

func TestDoctorFindsAPortThatIsTaken(t *testing.T) {
	s := newStack(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf("publish: loopback\nmembers:\n  - {name: etcd1, client-port: %d}\n", port))
	s.generate()
	if _, err := try(t, s.dir, "docker-compose", "up", "--detach"); err == nil {
		t.Fatal("the stack starts though its port is taken")
	}
	s.doctor(fmt.Sprintf("something else listens on its port %d", port))
}
