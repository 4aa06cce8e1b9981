// Command memory looks for what grows: for an hour it writes, reads and watches through
// all of etcdctr that lasts, and compares what each process keeps in its last ten minutes
// with what it kept in its second ten, when all has been used. One is a cluster of
// processes, with its supervisor, its backups and a dashboard; the other a stack, with its
// backups, a dashboard and a relay.
//
// It takes an hour, so that `make bench` leaves it out and `make bench-memory` runs it.
// See bench/README.md for what it is given and how it is read.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	lasts  = time.Hour
	window = 10 * time.Minute // whose median counts, once after the first and once at the end
	look   = 10 * time.Second
	// pause leaves members the time to do what else they do: what is looked for grows with
	// the number of requests, not with how close they come.
	pause   = 50 * time.Millisecond
	writers = 4
	watches = 100
	keys    = 1000
	mayGrow = 1.1
)

func main() { measure.Main("memory", run) }

const described = `name: %s
%s
backup:
  destination: ./backups
  every: 5m
  continuous: true
`

const process, docker = "process", "docker"

// runtimes are what the two clusters differ in: keys of the file, and the way to members.
var runtimes = map[string]struct{ keys, via string }{
	process: {"runtime: process\nclient-port: auto", "auto"},
	docker:  {"runtime: docker", "relay"},
}

// bench is one cluster in a folder of its own.
type bench struct{ etcdctr, name, dir string }

func run(ctx context.Context, rows *measure.Rows) (err error) {
	etcdctr := os.Getenv("BENCH_BIN")
	if etcdctr == "" {
		return errors.New("BENCH_BIN is not set: run `make bench-memory`")
	}
	all, ctx := errgroup.WithContext(ctx)
	kept := map[string][]float64{}
	var lasting []lasting
	for _, runtime := range []string{process, docker} {
		b := bench{etcdctr: etcdctr, name: "etcdctr-bench-memory-" + strings.ToLower(rand.Text()[:6])}
		if b.dir, err = os.MkdirTemp("", b.name); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.remove()) }()
		if err := b.up(ctx, runtime); err != nil {
			return err
		}
		programs, stop, err := b.start(ctx, runtime, all)
		defer stop()
		if err != nil {
			return err
		}
		lasting = append(lasting, programs...)
	}
	all.Go(func() error { return watch(ctx, lasting, kept) })
	if err := all.Wait(); err != nil && !errors.Is(err, errOver) {
		return err
	}
	for _, what := range slices.Sorted(maps.Keys(kept)) {
		first, last := ends(kept[what])
		rows.Add(measure.Row{What: what, Rival: "at first", Unit: "MiB", Ours: last, Theirs: first, Wanted: mayGrow})
	}
	return nil
}

func (b *bench) up(ctx context.Context, runtime string) error {
	if err := os.WriteFile(filepath.Join(b.dir, "etcdctr.yaml"), fmt.Appendf(nil, described, b.name, runtimes[runtime].keys), 0o644); err != nil {
		return err
	}
	_, err := b.command(ctx, b.etcdctr, "up", "--detach")
	return err
}

// remove is for after Ctrl-C too, so it has a context of its own.
func (b *bench) remove() error {
	_, down := b.command(context.Background(), b.etcdctr, "down", "--volumes", "--yes")
	return errors.Join(down, os.RemoveAll(b.dir))
}

func (b *bench) command(ctx context.Context, name string, args ...string) (string, error) {
	return measure.Output(ctx, b.dir, name, args...)
}

// lasting is a process that is there for as long as its cluster.
type lasting struct {
	what string
	pid  string
}

// start starts what lasts beside a cluster, and has it used. What lasts is looked for
// before anybody writes.
func (b *bench) start(ctx context.Context, runtime string, all *errgroup.Group) (_ []lasting, stop func(), err error) {
	reached, endReach, err := b.last(ctx, "connect", "--format", "json", "--via", runtimes[runtime].via)
	if err != nil {
		return nil, endReach, err
	}
	url, endDashboard, err := b.last(ctx, "dashboard")
	stop = func() { endDashboard(); endReach() }
	if err != nil {
		return nil, stop, err
	}
	etcd, err := b.client(reached)
	if err != nil {
		return nil, stop, err
	}
	programs, err := b.programs(ctx, runtime)
	if err != nil {
		return nil, stop, err
	}
	all.Go(func() error { return use(ctx, etcd) })
	all.Go(func() error { return visit(ctx, strings.TrimSpace(url)) })
	return programs, stop, nil
}

// last starts a command that lasts, and gives what it prints: JSON, or one line.
func (b *bench) last(ctx context.Context, args ...string) (printed string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, b.etcdctr, args...)
	cmd.Dir = b.dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", func() {}, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // interrupted
	}
	read := bufio.NewReader(out)
	for {
		line, err := read.ReadString('\n')
		printed += line
		if err != nil {
			stop()
			return "", func() {}, fmt.Errorf("etcdctr %s does not start: %w\n%s", args[0], err, said.String())
		}
		if line = strings.TrimSpace(line); line == "}" || strings.HasPrefix(line, "http") {
			return printed, stop, nil
		}
	}
}

func (b *bench) client(environment string) (*clientv3.Client, error) {
	var env map[string]string
	if err := json.Unmarshal([]byte(environment), &env); err != nil {
		return nil, err
	}
	config, err := transport.TLSInfo{
		TrustedCAFile: env["ETCDCTL_CACERT"], CertFile: env["ETCDCTL_CERT"], KeyFile: env["ETCDCTL_KEY"],
	}.ClientConfig()
	if err != nil {
		return nil, err
	}
	return clientv3.New(clientv3.Config{Endpoints: strings.Split(env["ETCDCTL_ENDPOINTS"], ","), TLS: config, Logger: zap.NewNop()})
}

// programs are those that last, of a cluster and beside it. Members are etcd's, and are
// not looked at.
func (b *bench) programs(ctx context.Context, runtime string) ([]lasting, error) {
	var pids []string
	if runtime == docker {
		ids, err := b.command(ctx, "docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project="+b.name)
		if err != nil {
			return nil, err
		}
		for id := range strings.FieldsSeq(ids) {
			pid, err := b.command(ctx, "docker", "inspect", "--format", "{{.State.Pid}}", id)
			if err != nil {
				return nil, err
			}
			pids = append(pids, pid)
		}
	}
	here, err := b.ofFolder()
	if err != nil {
		return nil, err
	}
	var programs []lasting
	for _, pid := range append(pids, here...) {
		line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
		if err != nil {
			return nil, err
		}
		args := strings.Split(string(line), "\x00")
		what := strings.TrimPrefix(filepath.Base(args[0]), "etcdctr-")
		if what == "etcdctr" {
			what = args[1]
		}
		if what != "etcd" {
			programs = append(programs, lasting{runtime + ", " + what, pid})
		}
	}
	return programs, nil
}

// ofFolder lists the processes that run below the cluster's folder.
func (b *bench) ofFolder() ([]string, error) {
	all, err := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []string
	for _, link := range all {
		if at, err := os.Readlink(link); err == nil && (at == b.dir || strings.HasPrefix(at, b.dir+"/")) {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids, err
}

// errOver ends all at once.
var errOver = errors.New("the hour is over")

// use writes, reads, watches, and keeps leases, until it is over.
func use(ctx context.Context, etcd *clientv3.Client) error {
	defer etcd.Close()
	users, ctx := errgroup.WithContext(ctx)
	for i := range watches {
		users.Go(func() error {
			for range etcd.Watch(ctx, fmt.Sprint("key", i)) { // what comes is not looked at
			}
			return ctx.Err()
		})
	}
	for w := range writers {
		users.Go(func() error {
			for n := 0; ; n++ {
				if err := measure.Sleep(ctx, pause); err != nil {
					return err
				}
				// What fails is no matter of memory: a backup may make a machine wait.
				_, _ = etcd.Put(ctx, fmt.Sprint("key", (writers*n+w)%keys), time.Now().String())
				_, _ = etcd.Get(ctx, fmt.Sprint("key", n%keys))
				if n%keys == 0 && w == 0 {
					if now, err := etcd.Get(ctx, "key0", clientv3.WithCountOnly()); err == nil {
						_, _ = etcd.Compact(ctx, now.Header.Revision)
					}
				}
			}
		})
	}
	return users.Wait()
}

// visit is a browser that leaves and comes again.
func visit(ctx context.Context, url string) error {
	for {
		if err := measure.Sleep(ctx, look); err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
	}
}

// watch looks at what each program keeps until the hour is over.
func watch(ctx context.Context, programs []lasting, kept map[string][]float64) error {
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		if err := measure.Sleep(ctx, look); err != nil {
			return err
		}
		for _, p := range programs {
			now, err := measure.Memory(p.pid)
			if err != nil {
				return fmt.Errorf("%s: %w", p.what, err)
			}
			kept[p.what] = append(kept[p.what], now)
		}
	}
	return errOver
}

// ends are the medians of the second window, when all has been used, and the last one.
func ends(all []float64) (first, last float64) {
	n := int(window / look)
	return measure.Median(all[n : 2*n]), measure.Median(all[len(all)-n:])
}
