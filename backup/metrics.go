package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

// metrics are what a Runner tells Prometheus.
type metrics struct {
	Began     time.Time // when the Runner did
	Last      time.Time // of the newest backup
	Revision  int64     // that it holds
	Size      int64     // of its database, in bytes
	Failures  int       // since the Runner began
	Failing   map[task]bool
	Followed  int64 // up to which revision all changes are kept
	Following bool
}

// task is something that a Runner does again and again.
type task string

// What a Runner does.
const (
	whole   task = "whole"   // whole backups
	between task = "between" // what happens between them
)

// newest is what a backup that there is tells.
func (m *metrics) newest(of Metadata) { m.Last, m.Revision, m.Size = of.Time, of.Revision, of.Size }

// went notes how something went that was tried last.
func (m *metrics) went(what task, failed bool) {
	if m.Failing == nil {
		m.Failing = map[task]bool{}
	}
	m.Failing[what] = failed
	if failed {
		m.Failures++
	}
}

// due is when the next backup is, and was as long as there is none.
func (m metrics) due(next func(time.Time) time.Time) time.Time {
	if m.Last.IsZero() {
		return m.Began
	}
	return next(m.Last)
}

func (m metrics) text(cluster string, next func(time.Time) time.Time) string {
	var b strings.Builder
	write := func(name, kind, help string, value int64) {
		fmt.Fprintf(&b, "# HELP etcdctr_backup_%s %s\n# TYPE etcdctr_backup_%[1]s %[3]s\netcdctr_backup_%[1]s{cluster=%[4]q} %[5]d\n", name, help, kind, cluster, value)
	}
	if !m.Last.IsZero() {
		write("last_success_timestamp_seconds", "gauge", "When the newest backup was taken.", m.Last.Unix())
		write("last_revision", "gauge", "The revision that the newest backup holds.", m.Revision)
		write("last_size_bytes", "gauge", "The size of the database in the newest backup.", m.Size)
	}
	write("next_due_timestamp_seconds", "gauge", "When the next backup is due.", m.due(next).Unix())
	write("failures_total", "counter", "What went wrong and was tried again.", int64(m.Failures))
	failing := int64(0)
	for _, f := range m.Failing {
		if f {
			failing = 1
		}
	}
	write("failing", "gauge", "Whether what was tried last went wrong.", failing)
	if m.Following {
		write("followed_revision", "gauge", "The revision up to which all changes are kept.", m.Followed)
	}
	return b.String()
}

// remember begins with what the store tells, before a file of metrics says
// anything.
func (r *Runner) remember(all []Found, err error) {
	r.note(func(m *metrics) {
		m.Began = r.Now()
		if newest, ok := Newest(notAfter(all, r.Now()), r.Request.Cluster); ok {
			m.newest(newest.Metadata)
		}
		if err != nil {
			m.went(whole, true)
		}
	})
}

// note changes the metrics, and writes them.
func (r *Runner) note(change func(*metrics)) {
	r.telling.Lock()
	defer r.telling.Unlock()
	change(&r.metrics)
	if r.MetricsFile == "" {
		return
	}
	err := outfile.Write(r.MetricsFile, []byte(r.metrics.text(r.Request.Cluster, r.Next)), metricsMode)
	if err == nil {
		err = readable(r.MetricsFile)
	}
	if err != nil && r.Fail != nil {
		r.Fail(fmt.Errorf("cannot write the metrics: %w", err))
	}
}

// well notes that something that failed goes well again.
func (r *Runner) well(what task) {
	r.telling.Lock()
	failing := r.metrics.Failing[what]
	r.telling.Unlock()
	if failing {
		r.note(func(m *metrics) { m.went(what, false) })
	}
}

// metricsMode is that of a file that another user reads.
const metricsMode = 0o644

// readable gives a file back what the umask has taken: that keeps the backups from others.
func readable(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() == metricsMode {
		return err
	}
	if err := os.Chmod(path, metricsMode); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil // it is somebody else's, who decides
}

// ServeHTTP tells the metrics to Prometheus.
func (r *Runner) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path != "/metrics" {
		http.NotFound(w, q)
		return
	}
	r.telling.Lock()
	text := r.metrics.text(r.Request.Cluster, r.Next)
	r.telling.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprint(w, text)
}
