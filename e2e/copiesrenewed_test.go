//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Members that don't see the files of this machine go on with those that they have: whoever
// renews is told so, and `certs run` brings them the new ones.

// refused tells whether members refuse the certificate of a client.
func refused(etcdctr func(args ...string) (string, error), client string) bool {
	dir := "certs/clients/" + client
	_, err := etcdctr("etcdctl", "--cert", dir+"/tls.crt", "--key", dir+"/tls.key", "get", "key")
	return err != nil
}

// wantRenewed has every command tell as long as members have others than what told says of,
// until `certs run` was there.
func wantRenewed(t *testing.T, told string, etcdctr func(args ...string) (string, error)) {
	t.Helper()
	tells := func(want bool, words ...string) {
		t.Helper()
		out, _ := etcdctr(words...) // certs verify fails for a client that is revoked
		if strings.Contains(out, told) != want {
			t.Errorf("etcdctr %s is to tell of other certificates: %t, and says\n%s", strings.Join(words, " "), want, out)
		}
	}
	tells(false, "certs", "verify")
	tells(true, "certs", "renew")
	tells(true, "certs", "verify")
	if out, err := etcdctr("certs", "run", "--once"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tells(false, "certs", "verify")
	tells(true, "certs", "create", "--host", "db.example.com")
}

func TestMembersOfAFleetWithOtherCertificatesAreTold(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	f.describe(f.seats(1, 2, 3), "image: "+image)
	f.etcdctr("up")
	wantRenewed(t, "etcd1, etcd2, etcd3: what is on the machine is other certificates than here", f.tryAll)
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// tryAll gives all that a command says.
func (f *fleetTest) tryAll(args ...string) (string, error) {
	cmd := f.inside(etcdctrBinary(f.t), args...)
	cmd.Dir = f.home
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestARenewalReachesTheNodesOfASwarm(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	const told = "etcd1, etcd2, etcd3: has other certificates than are here"
	s.do("certs", "issue", "alice")
	wantTold(t, s.tryAll, "etcd1, etcd2, etcd3", "certs revoke alice")
	if refused(s.tryAll, "alice") {
		t.Error("members know already whom certs revoke says that they let in")
	}
	if out, err := s.tryAll("certs", "verify"); err != nil || !strings.Contains(out, told) {
		t.Errorf("certs verify ends with %v, want %q:\n%s", err, told, out)
	}
	s.do("certs", "run", "--once")
	if !refused(s.tryAll, "alice") {
		t.Error("a revoked client is let in after certs run")
	}
	wantRenewed(t, told, s.tryAll)

	// Nobody starts or changes at the turn of an hour what somebody has left so.
	s.do("stop", "etcd3")
	wantTold(t, s.tryAll, "while etcd3 does not run", "certs run --once")
	s.do("start", "etcd3")
	s.describe("snapshot-count: 5000\n")
	wantTold(t, s.tryAll, "etcd1 (snapshot-count", "certs run --once")
	s.do("up")
	s.do("certs", "renew")
	s.do("stop")
	s.do("certs", "run", "--once")
	s.do("start")
	s.healthy("started with other certificates")
}
