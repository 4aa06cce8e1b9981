package dashboard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/dashboard"
	"github.com/etcdctr/etcdctr/runtime"
)

// watching is a cluster of which nothing is known but a step that was written down.
func watching(t *testing.T) *etcdctr.Watched {
	t.Helper()
	dir := t.TempDir()
	where := sha256.Sum256([]byte("here"))
	note := `{"at":"2026-11-28T12:00:00Z","kind":"stop","servers":["etcd2"],"cause":"another release","failure":"it did not stop"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "orders-"+hex.EncodeToString(where[:8])+".jsonl"), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	o := etcdctr.Options{StepsDir: dir, StepsOf: func(runtime.Runtime) string { return "here" }}
	w := etcdctr.New(o).Describe(cluster.Spec{Name: "orders"}).Watch(etcdctr.WatchOptions{})
	t.Cleanup(w.Leave)
	return w
}

func TestStepsOfAClusterAreShownAsTheyWereWrittenDown(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	steps, err := dashboard.Of(watching(t), etcdctr.Examination{}).Steps(at.Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	want := []dashboard.Step{{Time: at, Servers: []string{"etcd2"}, Text: "stop: another release: it did not stop", Failed: true}}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
