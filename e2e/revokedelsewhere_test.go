//go:build e2e && linux

package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// Who is revoked is refused at once also by members that have copies of their files, and
// not only once up has been there.
func TestARevocationReachesMembersThatHaveCopies(t *testing.T) {
	s := newStack(t)
	newEngineElsewhere(t, etcdImage(t, cluster.NewestMinor), "{}").byTLS(t)
	said := func(words ...string) string {
		cmd := exec.Command(etcdctrBinary(t), append(words, "--name", s.name)...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("etcdctr %s: %v\n%s", strings.Join(words, " "), err, out)
		}
		return string(out)
	}
	s.etcdctr("up")
	said("certs", "issue", "alice")
	c := s.connect()
	config := clientv3.Config{Endpoints: c.config().Endpoints, TLS: s.clientTLS("clients/alice")}
	roundTrip(t, config)
	said("certs", "revoke", "alice")
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), refusalPatience)
	defer cancel()
	if _, err := client.Get(ctx, "key"); err == nil {
		t.Error("alice is let in after she was revoked")
	}
	c.roundTrip(t)
	c.interrupt(t)
	if out := said("up", "--image", s.ref, "--dry-run"); !strings.Contains(out, "nothing to do") {
		t.Errorf("after the revocation up would do something:\n%s", out)
	}
	if out := said("certs", "renew"); !strings.Contains(out, "etcd1, etcd2, etcd3: what is on the machine is other certificates than here") {
		t.Errorf("of copies that are old by now renew does not tell:\n%s", out)
	}
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

const refusalPatience = 3 * time.Second
