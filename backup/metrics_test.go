package backup_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// What is told of backups says when the next is due before there is one, that they fail,
// and how it stands once one was taken: to who asks, and in a file that others may read.
func TestMetricsTellOfBackups(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	revision := write(t, c.raw(t), 3, 10)
	file := filepath.Join(t.TempDir(), "metrics.prom")
	broken := errors.New("nobody answers")
	ask := broken
	r := &backup.Runner{
		Store: storeAt(t, t.TempDir()), Request: request(), Now: func() time.Time { return noon },
		Next: func(last time.Time) time.Time { return last.Add(time.Hour) },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, ask
		},
		Tell: func(string) {}, Fail: func(err error) { t.Error(err) }, MetricsFile: file,
	}
	if _, err := r.Once(t.Context()); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	wantMetrics(t, r, map[string]int64{"next_due_timestamp_seconds": noon.Unix(), "failures_total": 1, "failing": 1})
	ask = nil
	if taken, err := r.Once(t.Context()); !taken || err != nil {
		t.Fatal(taken, err)
	}
	all, err := backup.List(t.Context(), r.Store)
	if err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, r, map[string]int64{
		"last_success_timestamp_seconds": noon.Unix(), "last_revision": revision, "last_size_bytes": all[0].Metadata.Size,
		"next_due_timestamp_seconds": noon.Add(time.Hour).Unix(), "failures_total": 1, "failing": 0,
	})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

// wantMetrics wants these to be told of the cluster, and no others.
func wantMetrics(t *testing.T, r *backup.Runner, want map[string]int64) {
	t.Helper()
	asked := httptest.NewRecorder()
	r.ServeHTTP(asked, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	written, err := os.ReadFile(r.MetricsFile)
	if diff := cmp.Diff(string(written), asked.Body.String()); err != nil || diff != "" {
		t.Errorf("%v (-file +asked):\n%s", err, diff)
	}
	got := map[string]int64{}
	for line := range strings.Lines(string(written)) {
		var value int64
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "etcdctr_backup_"), "{")
		if _, err := fmt.Sscanf(rest, `cluster="orders"} %d`, &value); err == nil {
			got[name] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
