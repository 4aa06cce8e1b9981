package etcdctr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

// Watched is a cluster that is looked at again and again: it may be changed,
// stopped and started meanwhile. Leave ends it.
type Watched struct {
	*Cluster

	mu    sync.Mutex
	seen  []string        // how members ran when the way was opened
	aside []runtime.Aside // what was set aside when it was looked last
	way   *Connection     // nil when there is none
	http  *http.Client

	options WatchOptions
	judged  time.Time     // when the backups were looked at last
	backups health.Report // what was wrong with them, and nothing else
	asked   time.Time     // when the members were asked last whether there are users
	users   []string      // what was to be said of that
	looked  time.Time     // when it was looked last whether it is the cluster that has served
	another error         // why it is not
	revived []string      // what was to be said of adopted members that run again
	called  time.Time     // when it was looked for those last
	files   []string      // what was to be said of the members' files
	read    time.Time     // when these were looked at last
}

// WatchOptions are what is looked at, and how.
type WatchOptions struct {
	// Want is who is expected beside those that run; nil: nobody.
	Want *cluster.Cluster
	// Timeout is how long a member may take to answer; 0: as somebody wants it who
	// asks again soon.
	Timeout time.Duration
	// Deep has members compare all that they hold.
	Deep bool
}

// Watch begins to look. Nothing is asked yet.
func (c *Cluster) Watch(o WatchOptions) *Watched { return &Watched{Cluster: c, options: o} }

// Observe tells what runs the members. Where that has changed, the way to them is
// another one.
func (w *Watched) Observe(ctx context.Context) (*runtime.State, error) {
	have, err := w.Cluster.Observe(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aside = have.Aside
	if w.way != nil && (ended(w.way.Way.Done) || !slices.Equal(w.seen, places(have))) {
		w.drop()
	}
	return have, nil
}

// places tell one run of the members from another.
func places(have *runtime.State) []string {
	var all []string
	for _, m := range have.Members() {
		all = append(all, fmt.Sprintln(m.Name, m.Runs(), m.Since, m.ClientURL()))
	}
	return all
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// open gives the way to the members.
func (w *Watched) open(ctx context.Context) (*Connection, *http.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.way != nil {
		return w.way, w.http, nil
	}
	way, err := w.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	w.way, w.seen, w.aside = way, places(way.State), way.State.Aside
	w.http = &http.Client{Transport: &http.Transport{
		DialContext: way.Way.Dial, TLSClientConfig: way.TLS, MaxIdleConnsPerHost: 1, DisableCompression: true,
	}}
	return w.way, w.http, nil
}

// drop ends the way; whoever has the lock may.
func (w *Watched) drop() {
	if w.way == nil {
		return
	}
	w.http.CloseIdleConnections()
	_ = w.way.Close() // there is another one soon, or none is needed
	w.way, w.http = nil, nil
}

// Leave ends the way, if there is one.
func (w *Watched) Leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop()
}

// Check asks the members that are there.
func (w *Watched) Check(ctx context.Context) (health.Report, error) {
	way, _, err := w.open(ctx)
	if err == nil {
		err = w.down(way.State)
	}
	if err != nil {
		err = w.cause(ctx, err)
		if down := (*DownError)(nil); errors.As(err, &down) {
			return w.unasked(down), nil
		}
		return health.Report{}, err
	}
	before := w.o.placesLines(w.spec.ClusterName())
	all := way.Health(w.options.Want)
	all.Timeout, all.Now, all.Deep = cmp.Or(w.options.Timeout, membersPatience), w.o.Now, w.options.Deep
	report := all.Check(ctx)
	if err := ctx.Err(); err != nil {
		return report, err
	}
	judgeServices(way.State, &report)
	judgeUnlinked(way.State, &report)
	if !report.Healthy {
		w.judgeRestoration(ctx, way.State, &report)
	}
	w.judgeUsers(ctx, way, &report)
	w.judgeBackups(ctx, &report)
	w.judgeAdopted(ctx, &report)
	w.judgeRead(ctx, way.State, &report)
	w.judgeOneself(ctx, way, before, &report)
	w.mu.Lock()
	defer w.mu.Unlock()
	remarkAside(w.aside, &report)
	return report, ctx.Err()
}

// judgeRestoration adds that members that are not well wait for a restoration that was
// not finished.
func (w *Watched) judgeRestoration(ctx context.Context, have *runtime.State, r *health.Report) {
	switch refusal, err := w.UnfinishedRestore(ctx, have); {
	case err != nil:
		r.Warnings = append(r.Warnings, fmt.Sprintf("whether a restoration was finished can't be seen: %v", err))
	case refusal != nil:
		r.Failures = append(r.Failures, fmt.Sprintf("%s: `%s` %s", refusal.Reason, Typed(refusal.Remedy.Command), refusal.Remedy.Text))
	}
}

// cause is why the members can't be asked: a restoration that was not finished, if there
// is one, or that nothing is left of a cluster that has served.
func (w *Watched) cause(ctx context.Context, err error) error {
	have, errHave := w.Cluster.Observe(ctx)
	if errHave != nil {
		return w.missed(ctx, err)
	}
	if refusal, errSeen := w.UnfinishedRestore(ctx, have); errSeen == nil && refusal != nil {
		return refusal
	}
	return err
}

// backupsLookedAt is how often the backups are: they may be far away.
const backupsLookedAt = time.Minute

// judgeBackups adds what is wrong with the backups.
func (w *Watched) judgeBackups(ctx context.Context, r *health.Report) {
	if now := w.o.Now(); now.Sub(w.judged) >= backupsLookedAt {
		w.judged, w.backups = now, health.Report{Healthy: true}
		w.JudgeBackups(ctx, &w.backups)
	}
	r.Healthy = r.Healthy && w.backups.Healthy
	r.Failures, r.Warnings = append(r.Failures, w.backups.Failures...), append(r.Warnings, w.backups.Warnings...)
}

// adoptedLookedAt is how often it is looked whether members that were adopted run again.
const adoptedLookedAt = time.Minute

// judgeAdopted adds that they do.
func (w *Watched) judgeAdopted(ctx context.Context, r *health.Report) {
	if now := w.o.Now(); now.Sub(w.called) >= adoptedLookedAt {
		w.called, w.revived = now, w.judgeRevived(ctx)
	}
	r.Warnings = append(r.Warnings, w.revived...)
}

// filesLookedAt is how often the files are that members read.
const filesLookedAt = time.Minute

// judgeRead adds what is wrong with those.
func (w *Watched) judgeRead(ctx context.Context, have *runtime.State, r *health.Report) {
	if now := w.o.Now(); now.Sub(w.read) >= filesLookedAt {
		w.read, w.files = now, w.judgeFiles(ctx, w.options.Want, have)
	}
	r.Warnings = append(r.Warnings, w.files...)
}

// usersLookedAt is how often members are asked whether etcd goes by its users: each
// question is an entry in their logs.
const usersLookedAt = time.Minute

// judgeUsers adds that etcd does not go by its users as the description says.
func (w *Watched) judgeUsers(ctx context.Context, way *Connection, r *health.Report) {
	if now := w.o.Now(); now.Sub(w.asked) >= usersLookedAt && r.Serving() > 0 {
		ctx, cancel := context.WithTimeout(ctx, cmp.Or(w.options.Timeout, membersPatience))
		defer cancel()
		w.asked, w.users = now, way.judgeUsers(ctx, w.options.Want)
	}
	r.Warnings = append(r.Warnings, w.users...)
}

// seenEvery is how often it is looked, and noted, how far the cluster has come.
const seenEvery = time.Minute

// judgeOneself adds that the cluster is not the one that has served before. How far one that
// is has come is noted, for the next time; before is what was noted before its members
// were asked.
func (w *Watched) judgeOneself(ctx context.Context, way *Connection, before []string, r *health.Report) {
	if now := w.o.Now(); now.Sub(w.looked) >= seenEvery && r.Serving() > 0 && w.o.PlacesDir != "" {
		v := viewOf(*r)
		if w.looked, w.another = now, w.judgeSeen(ctx, way.State, v); w.another == nil && r.Healthy {
			w.noteSeen(ctx, v, before)
			if n, ok := w.runtime.(runtime.DataNoter); ok {
				_ = n.NoteData(ctx, w.spec.ClusterName()) // as above: how it is does not depend on it
			}
		}
	}
	if e := (*AnotherError)(nil); errors.As(w.another, &e) {
		r.Healthy, r.Failures = false, append([]string{fmt.Sprintf("%v: %s", e, e.Remedy())}, r.Failures...)
	}
}

// Round is how the cluster is by now, wherever it is: one that can't be asked is not
// healthy.
func (w *Watched) Round(ctx context.Context) health.Report {
	_, err := w.Observe(ctx)
	err = w.missed(ctx, err)
	if err == nil {
		var report health.Report
		if report, err = w.Check(ctx); err == nil {
			return report
		}
	}
	return health.Report{Time: w.o.Now(), Members: []health.MemberReport{}, Failures: []string{err.Error()}}
}

// membersPatience is how long a member may take to answer somebody who asks again
// soon.
const membersPatience = 2 * time.Second

// Scrape reads a member's metrics, where clients reach it.
func (w *Watched) Scrape(ctx context.Context, member string) (io.ReadCloser, error) {
	way, client, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	m, ok := way.State.Server(member)
	if !ok {
		return nil, fmt.Errorf("there is no way to %s yet", member)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metricsURL(m), nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s answers %s", member, answer.Status)
	}
	return answer.Body, nil
}

// metricsURL is where clients read a member's metrics: listen-client-http-urls
// takes them away from the port that clients are told.
func metricsURL(m runtime.Server) string {
	u, err := url.Parse(m.ClientURL())
	if err != nil {
		return m.ClientURL()
	}
	if own, err := url.Parse(m.Settings.Get("listen-client-http-urls")); err == nil && own.Port() != "" {
		u.Scheme, u.Host = own.Scheme, u.Hostname()+":"+own.Port()
	}
	return u.JoinPath("metrics").String()
}

// Listen hears what the members say.
func (w *Watched) Listen(ctx context.Context, since time.Time, line func(runtime.Line)) error {
	return w.runtime.Logs(ctx, w.spec.ClusterName(), runtime.LogOptions{Since: since, Tail: -1, Follow: true}, line)
}
