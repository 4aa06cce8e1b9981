//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// What docs/further.md says of taking data to members that another program starts, such
// as an operator: here that program is this test, which gives its members names,
// addresses and a token of their own.

// elsewhere is a place with members that somebody else starts.
type elsewhere struct {
	t       *testing.T
	dir     string
	members []otherMember
}

type otherMember struct {
	name         string
	client, peer string
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	p := &elsewhere{t: t, dir: t.TempDir()}
	ports := freePorts(t, 6)
	for i := range 3 {
		p.members = append(p.members, otherMember{
			name:   fmt.Sprintf("orders-%d", i),
			client: fmt.Sprintf("http://127.0.0.1:%d", ports[2*i]), peer: fmt.Sprintf("http://127.0.0.1:%d", ports[2*i+1]),
		})
	}
	return p
}

func (p *elsewhere) initial(members []otherMember) string {
	var all []string
	for _, m := range members {
		all = append(all, m.name+"="+m.peer)
	}
	return strings.Join(all, ",")
}

func (p *elsewhere) clients() []string {
	var all []string
	for _, m := range p.members {
		all = append(all, m.client)
	}
	return all
}

func (p *elsewhere) data(m otherMember) string { return filepath.Join(p.dir, m.name) }

// start runs a member until the test is over.
func (p *elsewhere) start(m otherMember, initial, state string) {
	p.t.Helper()
	cmd := exec.Command(etcdBinary(p.t, cluster.NewestMinor, "etcd"),
		"--name", m.name, "--data-dir", p.data(m), "--initial-cluster", initial, "--initial-cluster-state", state,
		"--initial-cluster-token", "theirs", "--listen-client-urls", m.client, "--advertise-client-urls", m.client,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer, "--log-level", "error")
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

func (p *elsewhere) etcdctl(endpoints []string, args ...string) (string, error) {
	cmd := exec.Command(etcdBinary(p.t, cluster.NewestMinor, "etcdctl"), append([]string{"--endpoints", strings.Join(endpoints, ",")}, args...)...)
	return output(cmd, p.dir)
}

// ours starts a cluster of processes and gives its clients' addresses.
func ours(t *testing.T) (*local, []string) {
	t.Helper()
	l := newLocal(t)
	l.etcdctr("up", "--detach", "--tls", "none", "--etcd-binary", etcdBinary(t, cluster.NewestMinor, "etcd"))
	var urls []string
	for _, m := range listed(t, l.etcdctr("etcdctl", "member", "list", "--write-out", "json")) {
		urls = append(urls, m.ClientURLs...)
	}
	return l, urls
}

// listedMember is one as etcdctl lists it.
type listedMember struct {
	ID                   uint64
	Name                 string
	PeerURLs, ClientURLs []string
}

func (m listedMember) id() string { return fmt.Sprintf("%x", m.ID) }

func listed(t *testing.T, out string) []listedMember {
	t.Helper()
	var list struct{ Members []listedMember }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return list.Members
}

func TestASnapshotBecomesTheMembersOfAnotherProgram(t *testing.T) {
	l, _ := ours(t)
	for i := range 20 {
		l.etcdctr("etcdctl", "put", fmt.Sprintf("key%02d", i), "value")
	}
	l.etcdctr("etcdctl", "snapshot", "save", "orders.db")
	p := newElsewhere(t)
	for _, m := range p.members {
		run(t, "", etcdBinary(t, cluster.NewestMinor, "etcdutl"), "snapshot", "restore", filepath.Join(l.dir, "orders.db"),
			"--name", m.name, "--data-dir", p.data(m), "--initial-cluster", p.initial(p.members),
			"--initial-cluster-token", "theirs", "--initial-advertise-peer-urls", m.peer)
	}
	for _, m := range p.members {
		p.start(m, p.initial(p.members), "new")
	}
	eventually(t, "all keys on the other side", func() error {
		out, err := p.etcdctl(p.clients(), "get", "--prefix", "key", "--keys-only", "--write-out", "json")
		var there struct{ Count int }
		if err == nil {
			err = json.Unmarshal([]byte(out), &there)
		}
		if err == nil && there.Count != 20 {
			err = fmt.Errorf("%d of 20 keys are there", there.Count)
		}
		return err
	})
}

// No acknowledged write is lost while members of another program take the place of ours.
func TestLearnersOfAnotherProgramTakeOver(t *testing.T) {
	l, urls := ours(t)
	p := newElsewhere(t)
	load := startLoad(t, clientv3.Config{Endpoints: append(p.clients(), urls...)})
	load.wantMore(50)
	list := func() []listedMember {
		t.Helper()
		out, err := p.etcdctl(urls, "member", "list", "--write-out", "json")
		if err != nil {
			t.Fatal(out, err)
		}
		return listed(t, out)
	}
	old := list()
	var known []otherMember
	for _, m := range old {
		known = append(known, otherMember{name: m.Name, peer: m.PeerURLs[0]})
	}
	for _, m := range p.members {
		// etcd takes nobody in before its members have been connected for five seconds.
		eventually(t, m.name+" to be taken in", func() error {
			_, err := p.etcdctl(urls, "member", "add", m.name, "--learner", "--peer-urls", m.peer)
			return err
		})
		known = append(known, m)
		p.start(m, p.initial(known), "existing")
		joined := list()
		i := slices.IndexFunc(joined, func(x listedMember) bool { return slices.Equal(x.PeerURLs, []string{m.peer}) })
		eventually(t, m.name+" to be promoted", func() error {
			_, err := p.etcdctl(urls, "member", "promote", joined[i].id())
			return err
		})
	}
	load.wantMore(50)
	eventually(t, "the leadership to be theirs", func() error {
		all := list()
		i := slices.IndexFunc(all, func(x listedMember) bool { return x.Name == p.members[0].name })
		_, err := p.etcdctl(urls, "move-leader", all[i].id())
		return err
	})
	for _, m := range old {
		eventually(t, m.Name+" to be removed", func() error { // etcd wants all voters to have been connected for a while
			_, err := p.etcdctl(p.clients(), "member", "remove", m.id())
			return unlessRemoved(err)
		})
	}
	load.wantMore(50)
	l.etcdctr("down", "--volumes", "--yes")
	load.wantMore(50)
	load.finish()
}
