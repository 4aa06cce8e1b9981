// Command start compares what `etcdctr version` takes, in time and memory, with etcd's
// own `etcd --version`, which is linked with the same server, and the program's size
// with that of the three programs that it stands for.
//
// See bench/README.md for what it is given and how it is read.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const rounds = 41 // odd, so that there is a median

func main() { measure.Main("start", run) }

// usage is what a program takes: memory in bytes, at its peak.
type usage struct {
	took   time.Duration
	memory int64
}

func run(ctx context.Context, rows *measure.Rows) error {
	etcdctr, etcd := os.Getenv("BENCH_BIN"), filepath.Join(os.Getenv("BENCH_ETCD"), measure.Newest)
	if etcdctr == "" || os.Getenv("BENCH_ETCD") == "" {
		return errors.New("BENCH_BIN or BENCH_ETCD is not set: run `make bench-start`")
	}
	all, err := measure.InTurns(ctx, rounds, starting(etcdctr, "version"), starting(filepath.Join(etcd, "etcd"), "--version"))
	if err != nil {
		return err
	}
	const rival, mebibyte = "etcd --version", 1 << 20
	ours, theirs := median(all[0]), median(all[1])
	rows.Add(measure.Seconds("start of the program", rival, ours.took, theirs.took))
	rows.Add(measure.Row{What: "memory of the program", Rival: rival, Unit: "MiB", Ours: float64(ours.memory) / mebibyte, Theirs: float64(theirs.memory) / mebibyte})
	return size(rows, etcdctr, etcd)
}

func starting(program string, args ...string) func(context.Context) (usage, error) {
	return func(ctx context.Context) (usage, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		began := time.Now()
		out, err := cmd.CombinedOutput()
		u := usage{took: time.Since(began)}
		if err != nil {
			return u, fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			u.memory = r.Maxrss << 10
		}
		return u, nil
	}
}

func median(all []usage) usage {
	slices.SortFunc(all, func(a, b usage) int { return int(a.took - b.took) })
	return all[len(all)/2]
}

func size(rows *measure.Rows, etcdctr, etcd string) error {
	ours, err := os.Stat(etcdctr)
	if err != nil {
		return err
	}
	var theirs int64
	for _, name := range []string{"etcd", "etcdctl", "etcdutl"} {
		info, err := os.Stat(filepath.Join(etcd, name))
		if err != nil {
			return err
		}
		theirs += info.Size()
	}
	rows.Add(measure.Row{What: "size of the program", Rival: "etcd's three programs", Unit: "MB", Ours: float64(ours.Size()) / 1e6, Theirs: float64(theirs) / 1e6})
	return nil
}
