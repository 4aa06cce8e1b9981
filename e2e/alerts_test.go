//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/monitoring"
)

// Each alert is provoked by the fault that it is about, on real members of each
// release and with a real Prometheus, and all are quiet before.
func TestEveryAlertFiresForItsFault(t *testing.T) {
	for minor, v := range cluster.KnownPatches {
		t.Run(v.String(), func(t *testing.T) {
			w := newWard(t, v)
			w.expect("there is nobody to scrape", func() {}, "EtcdNotScraped")
			w.alone(minor)
			w.together(minor)
			w.backups()
			for _, a := range monitoring.Alerts(v) {
				if w.fired[a.Name] == "" {
					t.Errorf("%s did not fire", a.Name)
				}
			}
		})
	}
}

// ward has members that are made unwell, each a plain process, and what watches them.
type ward struct {
	*prometheus
	release cluster.Version
	dir     string
	targets []string // of file_sd, as JSON
	fired   map[string]string
}

func newWard(t *testing.T, v cluster.Version) *ward {
	t.Helper()
	w := &ward{release: v, dir: t.TempDir(), fired: map[string]string{}}
	rules, err := monitoring.Rules(v)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.dir, "targets.json"), "[]")
	w.prometheus = runPrometheus(t, w.dir, `global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: etcd
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
  - job_name: etcd-backup
    honor_labels: true
    file_sd_configs: [{files: [backups.json], refresh_interval: 1s}]
`, string(rules))
	return w
}

// backups can't be taken, since nobody answers, and then nobody tells of them.
func (w *ward) backups() {
	w.t.Helper()
	store, err := backup.OpenStore(w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	takes := &backup.Runner{
		Store: store, Request: backup.Request{Cluster: "three"}, Next: func(last time.Time) time.Time { return last },
		Now: func() time.Time { return time.Now().Add(-time.Hour) }, // it has been due for as long
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return nil, nil, member.ErrNotServing
		},
		Tell: func(string) {}, Fail: func(error) {},
	}
	server := httptest.NewServer(takes)
	defer server.Close()
	ctx, end := context.WithCancel(w.t.Context())
	var runs sync.WaitGroup
	runs.Go(func() { _ = takes.Run(ctx) }) // it ends with ctx
	targets := fmt.Sprintf(`[{"targets": [%q], "labels": {"cluster": "three"}}]`, server.Listener.Addr())
	writeFile(w.t, filepath.Join(w.dir, "backups.json"), targets)
	w.expect("no backup can be taken", func() {}, "EtcdBackupMissed", "EtcdBackupFails")
	end()
	runs.Wait()
	server.Close()
	w.expect("nobody tells of backups", func() {}, "EtcdBackupNotScraped")
}

// watch has Prometheus scrape a member too.
func (w *ward) watch(cluster string, p *patient) {
	w.t.Helper()
	w.targets = append(w.targets, fmt.Sprintf(`{"targets": [%q], "labels": {"cluster": %q, "member": %q}}`, p.client, cluster, p.name))
	file := filepath.Join(w.dir, "targets.json")
	writeFile(w.t, file+".new", "["+strings.Join(w.targets, ",")+"]") // it is read whenever it changes
	if err := os.Rename(file+".new", file); err != nil {
		w.t.Fatal(err)
	}
}

// expect goes on with a fault until all these alerts have fired.
func (w *ward) expect(fault string, again func(), names ...string) {
	w.t.Helper()
	missing := names
	eventually(w.t, fmt.Sprintf("%q when %s", names, fault), func() error {
		again()
		firing, err := w.firing()
		for _, name := range firing {
			if w.fired[name] == "" {
				w.fired[name] = fault
				w.t.Logf("%s fires: %s", name, fault)
			}
		}
		missing = slices.DeleteFunc(slices.Clone(missing), func(name string) bool { return slices.Contains(firing, name) })
		if err == nil && len(missing) > 0 {
			err = fmt.Errorf("%q do not fire, %q do", missing, firing)
		}
		return err
	})
}

// patient is one etcd.
type patient struct {
	t                  *testing.T
	name, dir, program string
	client, peer       string // host and port
	cluster, state     string
	settings           []string
	cmd                *exec.Cmd
	etcd               *clientv3.Client
}

func newPatient(t *testing.T, minor int, name string, settings ...string) *patient {
	t.Helper()
	ports := freePorts(t, 2)
	p := &patient{
		t: t, name: name, dir: t.TempDir(), program: etcdBinary(t, minor, "etcd"), settings: settings, state: "new",
		client: fmt.Sprintf("127.0.0.1:%d", ports[0]), peer: fmt.Sprintf("127.0.0.1:%d", ports[1]),
	}
	p.cluster = p.name + "=http://" + p.peer
	var err error
	if p.etcd, err = clientv3.New(clientv3.Config{Endpoints: []string{p.client}, Logger: zap.NewNop()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.etcd.Close()
		p.kill()
	})
	return p
}

func (p *patient) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.program, append([]string{
		"--name", p.name, "--data-dir", p.dir, "--listen-client-urls", "http://" + p.client, "--advertise-client-urls", "http://" + p.client,
		"--listen-peer-urls", "http://" + p.peer, "--initial-advertise-peer-urls", "http://" + p.peer,
		"--initial-cluster", p.cluster, "--initial-cluster-state", p.state, "--log-level", "error",
	}, p.settings...)...)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // killed
	p.cmd = nil
}

// do asks for something, and wants it.
func (p *patient) do(what string, ask func(ctx context.Context) error) {
	p.t.Helper()
	eventually(p.t, what, func() error {
		ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
		defer cancel()
		return ask(ctx)
	})
}

// freeze stops a process for a while, and gives it a moment then, as a disk or a
// processor that others use does.
func (p *patient) freeze(stop, moment time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(stop)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	time.Sleep(moment)
}

// busily does something in many goroutines until the function that it gives is called.
func busily(t *testing.T, many int, do func(ctx context.Context)) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			for ctx.Err() == nil {
				do(ctx)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// alone provokes what takes one member: it is too large, too slow, one of several
// clusters, and joined by a learner of another release.
func (w *ward) alone(minor int) {
	w.t.Helper()
	older := min(minor, cluster.NewestMinor-1)
	a := newPatient(w.t, older, "alone", "--quota-backend-bytes", fmt.Sprint(1<<30))
	a.start()
	w.watch("alone", a)
	a.do("a write", func(ctx context.Context) error { _, err := a.etcd.Put(ctx, "key", "value"); return err })

	learner := newPatient(w.t, older+1, "learner")
	learner.cluster, learner.state = a.cluster+","+learner.cluster, "existing"
	a.do("a learner to be added", func(ctx context.Context) error {
		_, err := a.etcd.MemberAddAsLearner(ctx, []string{"http://" + learner.peer})
		return err
	})
	learner.start()
	w.watch("alone", learner)
	w.expect("a learner of another release is not promoted", func() {}, "EtcdLearnerStays", "EtcdReleasesDiffer")

	one := newPatient(w.t, minor, "one", "--quota-backend-bytes", fmt.Sprint(24<<20))
	other := newPatient(w.t, minor, "other", "--quota-backend-bytes", fmt.Sprint(1<<30), w.slowFrom("1ms"))
	one.start()
	other.start()
	w.watch("several", one)
	w.watch("several", other)
	w.expect("there are two leaders under one name", func() {}, "EtcdSeveralLeaders")
	megabyte := strings.Repeat("x", 1<<20)
	w.expect("the database is full", func() {
		_, _ = one.etcd.Put(w.t.Context(), "key"+fmt.Sprint(time.Now().UnixNano()), megabyte) // until it is
	}, "EtcdDatabaseNearlyFull", "EtcdDatabaseFull")
	w.large(other, megabyte)
	w.slow(other)
}

// slowFrom is the flag for what etcd calls slow.
func (w *ward) slowFrom(d string) string {
	if w.release.Minor == 5 {
		return "--experimental-warning-apply-duration=" + d
	}
	return "--warning-apply-duration=" + d
}

// large leaves a file that is mostly free.
func (w *ward) large(p *patient, megabyte string) {
	w.t.Helper()
	for i := range 130 {
		p.do("a large write", func(ctx context.Context) error {
			_, err := p.etcd.Put(ctx, fmt.Sprintf("large/%d", i), megabyte)
			return err
		})
	}
	p.do("it to be deleted", func(ctx context.Context) error {
		r, err := p.etcd.Delete(ctx, "large/", clientv3.WithPrefix())
		if err == nil {
			_, err = p.etcd.Compact(ctx, r.Header.Revision, clientv3.WithCompactPhysical())
		}
		return err
	})
	w.expect("most of the file is free", func() {}, "EtcdDatabaseFragmented")
}

// slow asks more of a member than it can do.
func (w *ward) slow(p *patient) {
	w.t.Helper()
	const keys, together = 30000, 100
	for i := 0; i < keys; i += together {
		var puts []clientv3.Op
		for j := range together {
			puts = append(puts, clientv3.OpPut(fmt.Sprintf("many/%05d", i+j), fmt.Sprint((i+j)*7919%keys)))
		}
		p.do("many writes", func(ctx context.Context) error { _, err := p.etcd.Txn(ctx).Then(puts...).Commit(); return err })
	}
	sorted := func(prefix string) clientv3.Op {
		return clientv3.OpGet(prefix, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByValue, clientv3.SortAscend), clientv3.WithLimit(1))
	}
	end := busily(w.t, 4, func(ctx context.Context) { _, _ = p.etcd.Do(ctx, sorted("many/01")) })
	w.expect("requests take longer than warning-apply-duration", func() {}, "EtcdRequestsSlow")
	end()
	if w.release.Minor > 5 { // which does not tell how long they take
		end = busily(w.t, 60, func(ctx context.Context) { _, _ = p.etcd.Do(ctx, sorted("many/")) })
		w.expect("clients ask for much at once", func() {}, "EtcdRequestsTakeSeconds")
		end()
	}
	end = busily(w.t, 3000, func(ctx context.Context) {
		_, _ = p.etcd.Txn(ctx).Then(clientv3.OpPut("key", "value"), sorted("many/01")).Commit()
	})
	w.expect("changes are agreed to faster than applied", func() {}, "EtcdAppliesSlowly")
	end()
}

// together provokes what takes three members.
func (w *ward) together(minor int) {
	w.t.Helper()
	var all []*patient
	var founders []string
	for i := range 3 {
		p := newPatient(w.t, minor, fmt.Sprintf("etcd%d", i+1))
		all, founders = append(all, p), append(founders, p.cluster)
	}
	for _, p := range all {
		p.cluster = strings.Join(founders, ",")
		p.start()
		w.watch("three", p)
	}
	write := func(ctx context.Context) error { _, err := all[0].etcd.Put(ctx, "key", "value"); return err }
	all[0].do("a write", write)
	w.overload(all)

	leads := func() *patient {
		i := 0
		all[0].do("a leader", func(ctx context.Context) (err error) { i, err = leaderOf(ctx, all); return err })
		return all[i]
	}
	w.expect("the leader changes again and again", func() { w.moveLeader(leads(), all) }, "EtcdLeaderChanges")
	w.expect("a member restarts again and again", func() {
		all[2].kill()
		all[2].start()
		time.Sleep(4 * time.Second) // until it was scraped
	}, "EtcdRestarts")
	w.fewFiles(all[1])

	all[2].kill()
	w.expect("one of three members is away", func() {}, "EtcdMemberDown", "EtcdNoReserve", "EtcdPeerLost")
	all[1].kill()
	w.expect("two of three members are away", func() {}, "EtcdNoQuorum", "EtcdNoLeader")
	end := busily(w.t, 20, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, _ = all[0].etcd.Put(ctx, "key", "value")
	})
	endReads := busily(w.t, 5, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, _ = all[0].etcd.Get(ctx, "key")
	})
	w.expect("clients ask a member without a quorum", func() {}, "EtcdProposalsFail", "EtcdReadsFail")
	end()
	endReads()
}

// overload takes the disk and the processor from a follower, and then from the
// leader, while clients write.
func (w *ward) overload(all []*patient) {
	w.t.Helper()
	i := 0
	all[0].do("a leader", func(ctx context.Context) (err error) { i, err = leaderOf(ctx, all); return err })
	leader, follower := all[i], all[(i+1)%len(all)]
	end := busily(w.t, 8, func(ctx context.Context) { _, _ = leader.etcd.Put(ctx, "key", "value") })
	dir := w.t.TempDir()
	quiet := busily(w.t, 2, func(ctx context.Context) { w.flush(ctx, dir) })
	w.expect("a member gets its disk and its processor now and then", func() { follower.freeze(800*time.Millisecond, 15*time.Millisecond) },
		"EtcdDiskSlow", "EtcdCommitSlow", "EtcdPeerSlow")
	quiet()
	w.expect("a leader gets its processor now and then", func() { leader.freeze(400*time.Millisecond, 200*time.Millisecond) }, "EtcdHeartbeatsLate")
	end()
}

// flush has the disk write much at once: on a fast one hardly a member would be found
// waiting for it.
func (w *ward) flush(ctx context.Context, dir string) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		w.t.Error(err)
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	part := make([]byte, 1<<20)
	for range 32 {
		if _, err := f.Write(part); err != nil || ctx.Err() != nil {
			return // a full disk is a slow one
		}
	}
	_ = f.Sync()
}

func leaderOf(ctx context.Context, all []*patient) (int, error) {
	for i, p := range all {
		s, err := p.etcd.Status(ctx, p.client)
		if err == nil && s.Leader == s.Header.MemberId {
			return i, nil
		}
	}
	return 0, fmt.Errorf("nobody leads")
}

func (w *ward) moveLeader(from *patient, all []*patient) {
	w.t.Helper()
	for _, p := range all {
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		if s, err := p.etcd.Status(ctx, p.client); p != from && err == nil {
			_, _ = from.etcd.MoveLeader(ctx, s.Header.MemberId) // or it was another by now
			cancel()
			return
		}
		cancel()
	}
}

// fewFiles leaves a member little room for more connections.
func (w *ward) fewFiles(p *patient) {
	w.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err == nil {
		limit := uint64(len(open) + 4)
		err = unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.expect("a member may open few files", func() {}, "EtcdFilesRunOut")
}
