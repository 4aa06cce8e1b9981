//go:build e2e && linux

package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/backup"
)

var historyTakes = flag.Duration("history", 45*time.Second, "for how long the history goes on of which moments are brought back")

// moment is what a cluster held behind a change.
type moment struct {
	revision int64
	at       time.Time
	holds    map[string]string
}

// TestAnyMomentOfAHistoryComesBack has a service keep all changes of a cluster that
// compacts, and is restarted in the middle, and compares what it held at random
// moments, key by key, with what restore makes of them.
func TestAnyMomentOfAHistoryComesBack(t *testing.T) {
	const moments = 20
	l := newLocal(t)
	first, second, third, one := memberPorts(t), memberPorts(t), memberPorts(t), memberPorts(t)
	writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), fmt.Sprintf(`runtime: process
tls: none
auto-compaction-mode: periodic
auto-compaction-retention: 1m
backup: {destination: backups, every: 1m, continuous: true}
members:
- {name: etcd1, client-port: %d}
- {name: etcd2, client-port: %d}
- {name: etcd3, client-port: %d}
`, first, second, third))
	writeFile(t, filepath.Join(l.dir, "one.yaml"), fmt.Sprintf("name: one\nruntime: process\ntls: none\nmembers: [{name: etcd1, client-port: %d}]\n", one))
	l.etcdctr("up", "--detach")
	history := l.live(plainClient(t, first, second, third))
	l.keptUpTo(history[len(history)-1].revision)
	for n := range moments {
		m := history[rand.IntN(len(history))]
		at := []string{"--revision", fmt.Sprint(m.revision)}
		if n%2 == 1 {
			at = []string{"--at", m.at.UTC().Format(time.RFC3339)}
		}
		var restored backup.Restored
		decode(t, l.etcdctr(append([]string{"restore", "--file", "one.yaml", "--yes", "--progress", "quiet", "--format", "json", "backups"}, at...)...), &restored)
		want := restoredAs(t, history, m, restored.Metadata.Revision, n%2 == 0)
		if diff := cmp.Diff(want.holds, holdsOf(t, plainClient(t, one))); diff != "" {
			t.Errorf("%v, revision %d (-was +restored):\n%s", at, want.revision, diff)
		}
	}
	t.Logf("%d moments of %d changes in %v", moments, len(history), history[len(history)-1].at.Sub(history[0].at))
}

// restoredAs is what is to be there: the very moment, or, of a time, the last one that
// the service knew of then.
func restoredAs(t *testing.T, history []moment, m moment, revision int64, exactly bool) moment {
	t.Helper()
	const late = 5 * time.Second
	for _, one := range history {
		if one.revision != revision {
			continue
		}
		if exactly && revision != m.revision || one.at.After(m.at) || m.at.Sub(one.at) > late {
			t.Errorf("of revision %d, %v, what was restored is of revision %d, %v", m.revision, m.at, one.revision, one.at)
		}
		return one
	}
	t.Fatalf("revision %d was never there", revision)
	return moment{}
}

// live changes a cluster, and remembers what it held after each change.
func (l *local) live(c *clientv3.Client) []moment {
	l.t.Helper()
	var all []moment
	holds := map[string]string{}
	restarted := false
	for began := time.Now(); time.Since(began) < *historyTakes; time.Sleep(loadPace) {
		if !restarted && time.Since(began) > *historyTakes/2 {
			restarted = true
			l.etcdctr("restart", "etcd2")
		}
		next := maps.Clone(holds)
		op := change(next, len(all))
		ctx, cancel := context.WithTimeout(l.t.Context(), requestTimeout)
		done, err := c.Do(ctx, op)
		cancel()
		if err != nil {
			l.t.Fatal(err) // whether it was carried out can't be told
		}
		holds = next
		all = append(all, moment{revisionOf(done), time.Now(), holds})
	}
	return all
}

// change is one of a kind, and what it makes of what is held.
func change(holds map[string]string, n int) clientv3.Op {
	key, other, value := fmt.Sprintf("key/%02d", rand.IntN(40)), fmt.Sprintf("key/%02d", 40+rand.IntN(40)), fmt.Sprint(n)
	switch rand.IntN(4) {
	case 0: // what is not there is put: else nothing would have happened
		if _, there := holds[key]; there {
			delete(holds, key)
			return clientv3.OpDelete(key)
		}
	case 1:
		holds[key], holds[other] = value, value
		return clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut(key, value), clientv3.OpPut(other, value)}, nil)
	}
	holds[key] = value
	return clientv3.OpPut(key, value)
}

func revisionOf(r clientv3.OpResponse) int64 {
	switch {
	case r.Put() != nil:
		return r.Put().Header.Revision
	case r.Del() != nil:
		return r.Del().Header.Revision
	}
	return r.Txn().Header.Revision
}

// keptUpTo waits until the backups lead to a revision.
func (l *local) keptUpTo(revision int64) {
	l.t.Helper()
	s, err := backup.OpenStore(filepath.Join(l.dir, "backups"))
	if err != nil {
		l.t.Fatal(err)
	}
	eventually(l.t, "the last change to be kept", func() error {
		known, err := backup.Find(l.t.Context(), s, "etcd", backup.Moment{})
		if err == nil && known.Revision < revision {
			err = fmt.Errorf("it leads to revision %d of %d", known.Revision, revision)
		}
		return err
	})
}

func plainClient(t *testing.T, ports ...int) *clientv3.Client {
	t.Helper()
	config := clientv3.Config{Logger: zap.NewNop(), DialTimeout: time.Second}
	for _, port := range ports {
		config.Endpoints = append(config.Endpoints, fmt.Sprintf("http://127.0.0.1:%d", port))
	}
	c, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func holdsOf(t *testing.T, c *clientv3.Client) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := c.Get(ctx, "key/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, kv := range got.Kvs {
		all[string(kv.Key)] = string(kv.Value)
	}
	return all
}
