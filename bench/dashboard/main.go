// Command dashboard measures what `etcdctr dashboard` costs: its own memory and
// processor time while nobody writes, and how many writes a second three members
// take with it and without it. See bench/README.md for what it is given and how it
// is read; of writes more is better.
//
// Memory and processor are compared with what the dashboard may take: 30 MiB and 2 %
// of a core.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	rounds    = 5 // odd, so that there is a median
	writing   = 3 * time.Second
	resting   = 30 * time.Second
	settling  = 3 * time.Second
	writers   = 8
	mayRemain = 30.0 // MiB
	mayTake   = 2.0  // % of a core
)

func main() { measure.Main("dashboard", run) }

// bench is a cluster of three processes.
type bench struct{ etcdctr, name, dir string }

func run(ctx context.Context, rows *measure.Rows) (err error) {
	b := bench{etcdctr: os.Getenv("BENCH_BIN"), name: "etcdctr-bench-dashboard-" + strings.ToLower(rand.Text()[:6])}
	if b.etcdctr == "" {
		return errors.New("BENCH_BIN is not set: run `make bench-dashboard`")
	}
	if b.dir, err = os.MkdirTemp("", "etcdctr-bench-dashboard-"); err != nil {
		return err
	}
	defer func() {
		_, down := b.command(context.Background(), "down", "--volumes", "--yes", "--name", b.name) // after Ctrl-C too
		err = errors.Join(err, down, os.RemoveAll(b.dir))
	}()
	if _, err := b.command(ctx, "up", "--detach", "--runtime", "process", "--tls", "none", "--name", b.name); err != nil {
		return err
	}
	if err := b.rest(ctx, rows); err != nil {
		return err
	}
	return b.write(ctx, rows)
}

func (b *bench) command(ctx context.Context, args ...string) (string, error) {
	return measure.Output(ctx, b.dir, b.etcdctr, args...)
}

// dashboard runs one until stop is called.
func (b *bench) dashboard(ctx context.Context) (pid int, stop func(), err error) {
	cmd := exec.CommandContext(ctx, b.etcdctr, "dashboard", "--name", b.name)
	cmd.Dir = b.dir
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return 0, nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // interrupted
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		stop()
		return 0, nil, fmt.Errorf("dashboard does not start: %w", err)
	}
	return cmd.Process.Pid, stop, nil
}

// rest looks at a dashboard of a cluster that has nothing to do.
func (b *bench) rest(ctx context.Context, rows *measure.Rows) error {
	pid, stop, err := b.dashboard(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := measure.Sleep(ctx, resting/4); err != nil { // until it has met everybody
		return err
	}
	before, errBefore := processorTime(pid)
	errRest := measure.Sleep(ctx, resting)
	after, errAfter := processorTime(pid)
	memory, errMemory := measure.Memory(strconv.Itoa(pid))
	if err := errors.Join(errBefore, errRest, errAfter, errMemory); err != nil {
		return err
	}
	share := 100 * (after - before).Seconds() / resting.Seconds()
	rows.Add(measure.Row{What: "dashboard's memory at rest", Rival: "may be", Unit: "MiB", Ours: memory, Theirs: mayRemain, Wanted: 1})
	rows.Add(measure.Row{What: "dashboard's processor time at rest", Rival: "may be", Unit: "% of a core", Ours: share, Theirs: mayTake, Wanted: 1})
	return nil
}

// processorTime is what a process has used. Source: proc(5), whose clock has 100
// ticks a second.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(errUser, errSystem)
}

// write compares how much is written in turns.
func (b *bench) write(ctx context.Context, rows *measure.Rows) error {
	printed, err := b.command(ctx, "connect", "--name", b.name, "--format", "json")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(printed, `"ETCDCTL_ENDPOINTS": "`)
	endpoints, _, _ := strings.Cut(rest, `"`)
	etcd, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(endpoints, ","), Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer etcd.Close()
	var with, without []float64
	for round := range rounds {
		for turn := range 2 {
			if beside := (round+turn)%2 == 0; beside { // who comes first has no advantage
				one, err := b.rateBeside(ctx, etcd)
				if err != nil {
					return err
				}
				with = append(with, one)
				continue
			}
			other, err := rate(ctx, etcd)
			if err != nil {
				return err
			}
			without = append(without, other)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	us, them := with[rounds/2], without[rounds/2]
	rows.Add(measure.Row{What: "writes beside a dashboard", Rival: "without it", Unit: "1/s", Ours: us, Theirs: them, Wanted: 0.98, More: true})
	return nil
}

// rateBeside is rate beside a dashboard that has met everybody.
func (b *bench) rateBeside(ctx context.Context, etcd *clientv3.Client) (float64, error) {
	_, stop, err := b.dashboard(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	if err := measure.Sleep(ctx, settling); err != nil {
		return 0, err
	}
	return rate(ctx, etcd)
}

// rate is how many writes a second several clients get done.
func rate(ctx context.Context, etcd *clientv3.Client) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*writing)
	defer cancel()
	var done atomic.Int64
	var all sync.WaitGroup
	var failed atomic.Value
	end := time.Now().Add(writing)
	for i := range writers {
		all.Go(func() {
			for time.Now().Before(end) {
				if _, err := etcd.Put(ctx, fmt.Sprint("key", i), "value"); err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(done.Load()) / writing.Seconds(), nil
}
