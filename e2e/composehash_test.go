//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What stack takes for Compose's hashes of every key that our files have is what the
// real Compose makes of them.
func TestComposeHashesEveryKeyAsItIsWrittenDown(t *testing.T) {
	const dir = "../stack/testdata/hash"
	want, err := os.ReadFile(dir + "/hashes")
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, dir, "docker-compose", "config", "--hash", "*"); got != string(want) {
		t.Errorf("Compose makes\n%s\nwant\n%s", got, want)
	}
}

func TestTwoStacksArePublishedSideBySide(t *testing.T) {
	first, second := newStack(t), newStack(t)
	for _, s := range []*stack{first, second} {
		writeFile(t, s.dir+"/etcdctr.yaml", "publish: loopback\nmembers: 1\n")
	}
	first.etcdctr("up")
	up := second.command("up")
	up.Dir = second.dir
	said, err := up.CombinedOutput()
	if err != nil {
		t.Fatal(string(said), err)
	}
	if a, b := first.inspect("etcd1").HostConfig.PortBindings["2379/tcp"], second.inspect("etcd1").HostConfig.PortBindings["2379/tcp"]; len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("published at %v and %v", a, b)
	}
	if want := "something else has the usual ports: etcd1 is at " + second.published()[0]; !strings.Contains(string(said), want) {
		t.Errorf("it is not said that %s: %s", want, said)
	}
	before := second.containers()
	second.etcdctr("up")
	second.wantUntouched(before, "a second up")
	second.wantServing()
}

// Jobs that start at the same time don't meet, and each keeps and tells its ports.
func TestStacksThatStartAtTheSameTimeArePublishedWhereTheyMay(t *testing.T) {
	var together sync.WaitGroup
	stacks, at := []*stack{newStack(t), newStack(t), newStack(t)}, map[string]string{}
	for _, s := range stacks {
		writeFile(t, s.dir+"/etcdctr.yaml", "publish: loopback\nclient-port: auto\ntls: none\n")
		together.Go(func() {
			if out, err := s.tryEtcdctr("up"); err != nil {
				t.Error(out, err)
			}
		})
	}
	together.Wait()
	for _, s := range stacks {
		before := s.containers()
		s.etcdctr("up")
		s.wantUntouched(before, "a second up")
		for _, address := range s.published() {
			if other := at[address]; other != "" {
				t.Errorf("%s and %s are both at %s", s.name, other, address)
			}
			at[address] = s.name
		}
		run(t, s.dir, etcdBinary(t, cluster.NewestMinor, "etcdctl"), "--endpoints", strings.Join(s.published(), ","), "endpoint", "health")
	}
	if len(at) != 9 {
		t.Errorf("nine members are at %v", at)
	}
}

// published are the members' addresses on this machine, as ps tells them.
func (s *stack) published() []string {
	s.t.Helper()
	var members []struct{ Ports []string }
	if err := json.Unmarshal([]byte(s.etcdctr("ps", "--format", "json")), &members); err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, m := range members {
		all = append(all, m.Ports...)
	}
	return all
}

// Names whose ports begin at the same one: whoever comes second finds the port taken
// that was free when it looked, and goes to the next.
func TestStacksThatWantTheSamePortsAtTheSameTimeBothStart(t *testing.T) {
	first, second := newStack(t), newStack(t)
	base := second.name
	for n := 0; portOfName(t, second.name) != portOfName(t, first.name); n++ {
		second.name = fmt.Sprintf("%s-%d", base, n)
	}
	var together sync.WaitGroup
	for _, s := range []*stack{first, second} {
		writeFile(t, s.dir+"/etcdctr.yaml", "publish: loopback\nclient-port: auto\ntls: none\n")
		together.Go(func() {
			if out, err := s.tryEtcdctr("up"); err != nil {
				t.Error(out, err)
			}
		})
	}
	together.Wait()
	for _, s := range []*stack{first, second} {
		run(t, s.dir, etcdBinary(t, cluster.NewestMinor, "etcdctl"), "--endpoints", strings.Join(s.published(), ","), "endpoint", "health")
	}
}

// portOfName is where the ports of a name begin.
func portOfName(t *testing.T, name string) int {
	t.Helper()
	c, err := cluster.Resolve(cluster.Spec{Name: name, Publish: "loopback", ClientPort: cluster.AutoPort}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c.Members[0].PublishedPort
}
