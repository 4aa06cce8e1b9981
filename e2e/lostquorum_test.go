//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
	processes "github.com/etcdctr/etcdctr/runtime/local"
)

// Two of three members are gone with their data, under a client that remembers
// every write that was acknowledged. The third gives them all: first while it
// still runs, without a quorum, and then out of what a kill has left of it.
func TestALostQuorumLosesNothingAcknowledged(t *testing.T) {
	for _, minor := range supportedMinors() {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) { aLostQuorumLosesNothing(t, minor) })
	}
}

func aLostQuorumLosesNothing(t *testing.T, minor int) {
	t.Helper()
	etcd := etcdBinary(t, minor, "etcd")
	names := []string{"etcd1", "etcd2", "etcd3"}
	dir, urls, members := t.TempDir(), map[string]string{}, map[string]*etcdtest.Process{}
	var initial []string
	peers := map[string]string{}
	for _, name := range names {
		urls[name], peers[name] = "http://"+etcdtest.FreeAddress(t, "127.0.0.1"), "http://"+etcdtest.FreeAddress(t, "127.0.0.1")
		initial = append(initial, name+"="+peers[name])
	}
	for _, name := range names {
		members[name] = etcdtest.StartProgram(t, etcd, nil,
			"--name="+name, "--data-dir="+filepath.Join(dir, name), "--initial-cluster="+strings.Join(initial, ","),
			"--listen-client-urls="+urls[name], "--advertise-client-urls="+urls[name],
			"--listen-peer-urls="+peers[name], "--initial-advertise-peer-urls="+peers[name])
	}
	client, err := member.New(member.Config{URLs: urls})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.WaitServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := client.WaitSteady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leader, _ := v.Leader()
	acknowledged := writeUntilLost(t, urls[leader.Name], 500, func() {
		for _, name := range slices.DeleteFunc(names, func(n string) bool { return n == leader.Name }) {
			members[name].Kill()
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	})
	out := t.TempDir()
	request := backup.Request{Cluster: "lost", Time: time.Now()}
	running, killed := filepath.Join(out, "running"), filepath.Join(out, "killed")
	if made, err := backup.Take(t.Context(), client, running, request); err != nil || made.From != leader.Name {
		t.Fatalf("the survivor %s gives %+v, %v", leader.Name, made, err)
	}
	members[leader.Name].Kill()
	program := backup.Program{Path: etcd, Given: true}
	if made, err := backup.TakeFolder(t.Context(), filepath.Join(dir, leader.Name), killed, program, request); err != nil || made.Missing > 0 {
		t.Fatalf("what is left of it gives %+v, %v", made, err)
	}
	for _, archive := range []string{running, killed} {
		found := restoredKeys(t, etcd, archive)
		t.Logf("etcd 3.%d, %s: %d acknowledged, %d found", minor, filepath.Base(archive), acknowledged, found)
		if found < acknowledged {
			t.Errorf("%s: of %d acknowledged writes %d are there", filepath.Base(archive), acknowledged, found)
		}
	}
}

// writeUntilLost writes one key after the other; after so many it has the quorum
// lost, and goes on until nothing is acknowledged any more.
func writeUntilLost(t *testing.T, url string, after int, lose func()) (acknowledged int64) {
	t.Helper()
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{url}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Close()
	lost := make(chan struct{})
	for {
		if acknowledged == int64(after) {
			go func() { lose(); close(lost) }()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err := etcd.Put(ctx, fmt.Sprintf("key/%06d", acknowledged), "value")
		cancel()
		if err != nil {
			<-lost
			return acknowledged
		}
		acknowledged++
	}
}

// restoredKeys restores an archive into a cluster of three of the same release,
// and counts the keys.
func restoredKeys(t *testing.T, etcd, archive string) int64 {
	t.Helper()
	folder, self := t.TempDir(), etcdctrBinary(t)
	r := processes.New(processes.Options{
		Folder: filepath.Join(folder, ".etcdctr"), CertsDir: filepath.Join(folder, "certs"), Self: self,
		Carried: &processes.Program{Path: self, Version: cluster.DefaultVersion}, Now: time.Now,
	})
	spec := cluster.Spec{Name: "restored", TLS: "none", EtcdBinary: etcd}
	for i := range 3 {
		spec.Members.List = append(spec.Members.List, cluster.MemberSpec{Name: fmt.Sprintf("etcd%d", i+1), ClientPort: fmt.Sprint(etcdtest.FreePort(t))})
	}
	want, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Remove(context.WithoutCancel(t.Context()), "restored", runtime.Removal{Data: true}); err != nil {
			t.Error(err)
		}
	}()
	restoration := &backup.Restoration{
		Runtime: r, Want: want, Bump: backup.DefaultBump, Scratch: t.TempDir(),
		Ask: func(_ context.Context, have *runtime.State) (*member.Client, func() error, error) {
			urls := map[string]string{}
			for _, m := range have.Members() {
				urls[m.Name] = "http://" + m.Published[0]
			}
			c, err := member.New(member.Config{URLs: urls})
			if err != nil {
				return nil, nil, err
			}
			return c, c.Close, nil
		},
	}
	if _, err := restoration.Do(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	have, err := r.Observe(t.Context(), "restored")
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + have.Members()[0].Published[0]}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := client.Get(t.Context(), "key/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	return got.Count
}
