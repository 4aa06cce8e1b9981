// Command engine measures on today's Docker Engine, whatever the machine has: etcdctr's
// first start beside Compose's and the engine's own, and what `ls`, `ps` and `health` take
// on an engine that is crowded, beside the same on one that has nothing else.
//
// The engine is one of its own, in namespaces of its own and with its data in memory, so
// that it takes root on Linux. See bench/README.md for what it is given and how it is read.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/bench/measure"
	"github.com/etcdctr/etcdctr/bench/starts"
)

const (
	project = "etcdctr-bench-engine"
	rounds  = 9

	stacks, strangers = 100, 1000
)

func main() {
	if os.Getenv(inside) == "" {
		os.Exit(enter())
	}
	measure.Main("engine", run)
}

func run(ctx context.Context, rows *measure.Rows) (err error) {
	etcdctr, etcd := os.Getenv("BENCH_BIN"), os.Getenv("BENCH_ETCD")
	dir, err := os.MkdirTemp("", project+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stop, err := startEngine(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	const image = project + ":upstream"
	build := []string{"image", "build", "--progress", "quiet", "--source", "dir", "--dir", filepath.Join(etcd, measure.Newest), "--tag", image}
	if _, err := measure.Output(ctx, dir, etcdctr, build...); err != nil {
		return err
	}
	s, err := starts.New(ctx, etcdctr, dir, project, image)
	if err != nil {
		return err
	}
	if err := s.Compare(ctx, rows, "up, today's engine", rounds, 0.4, 1.25); err != nil {
		return err
	}
	return crowded(ctx, rows, s)
}

// crowded measures commands that look before and after others have come.
func crowded(ctx context.Context, rows *measure.Rows, s *starts.Stack) (err error) {
	if err := s.Up(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Down(ctx)) }()
	alone, err := looks(ctx, s)
	if err != nil {
		return err
	}
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer engine.Close()
	plain, err := s.Plain(ctx, engine)
	if err != nil {
		return err
	}
	if err := plain.Crowd(ctx, stacks, strangers); err != nil {
		return err
	}
	among, err := looks(ctx, s)
	if err != nil {
		return err
	}
	for i, args := range looking {
		what := fmt.Sprintf("%s among %d stacks and %d others", strings.Join(args, " "), stacks, strangers)
		rows.Add(measure.Seconds(what, "alone", among[i], alone[i]).Want(1.5))
	}
	return nil
}

var looking = [][]string{{"ls"}, {"ps"}, {"health"}}

// looks gives what each command takes.
func looks(ctx context.Context, s *starts.Stack) ([]time.Duration, error) {
	var sides []func(context.Context) (time.Duration, error)
	for _, args := range looking {
		if args[0] != "ls" {
			args = append([]string{args[0], "--name", s.Project}, args[1:]...)
		}
		sides = append(sides, measure.Timed(func(ctx context.Context) error {
			_, err := measure.Output(ctx, s.Dir, s.Etcdctr, args...)
			return err
		}))
	}
	all, err := measure.InTurns(ctx, rounds, sides...)
	var medians []time.Duration
	for _, took := range all {
		medians = append(medians, measure.Median(took))
	}
	return medians, err
}
