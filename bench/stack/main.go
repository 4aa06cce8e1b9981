// Command stack compares `etcdctr up`, `stop` and `down --volumes` with Docker
// Compose doing the same with the same file: three members with mutual TLS,
// whose image is present.
//
// Both are measured with two images: the one that `etcdctr image build` makes
// of itself, whose members help each other to start, and one with upstream's
// programs. The last line compares an `up` that has nothing to do with what
// the engine takes to answer the questions that it has to ask.
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
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// How often each is measured; odd, so that there is a median.
const rounds, fewRounds = 9, 5

// project is the name of everything that is made.
const project = "etcdctr-bench-stack"

func main() { measure.Main("stack", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.clean()
	for _, image := range b.images {
		ours, theirs, err := b.compare(ctx, image)
		if err != nil {
			return err
		}
		for i, what := range jobs {
			rows.Add(measure.Seconds(what.name+", "+image.name, "docker compose", ours[i], theirs[i]).Want(what.wanted))
		}
	}
	ours, engine, err := b.nothingChanged(ctx)
	if err != nil {
		return err
	}
	rows.Add(measure.Seconds("up, nothing changed", "the engine's answers", ours, engine))
	return b.sizes(ctx, rows)
}

type image struct{ name, ref string }

type bench struct {
	etcdctr string
	dir     string
	images  []image
}

func newBench(ctx context.Context) (*bench, error) {
	b := &bench{etcdctr: os.Getenv("BENCH_BIN")}
	etcd := os.Getenv("BENCH_ETCD")
	if b.etcdctr == "" || etcd == "" {
		return nil, errors.New("BENCH_BIN and BENCH_ETCD are not set: run `make bench-stack`")
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		return nil, fmt.Errorf("the rival is not there: %w: run `make bench-stack`", err)
	}
	var err error
	if b.dir, err = os.MkdirTemp("", project+"-"); err != nil {
		return nil, err
	}
	own, upstream := image{"own image", project + ":own"}, image{"upstream's programs", project + ":upstream"}
	b.images = []image{own, upstream}
	err = errors.Join(
		b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet", "--tag", own.ref),
		b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet", "--source", "dir", "--dir", filepath.Join(etcd, measure.Newest), "--tag", upstream.ref),
	)
	if err != nil {
		b.clean()
		return nil, err
	}
	return b, nil
}

// clean removes everything, also after Ctrl-C.
func (b *bench) clean() {
	ctx := context.Background()
	err := b.do(ctx, b.etcdctr, "down", "--name", project, "--volumes", "--yes", "--progress", "quiet")
	for _, i := range b.images {
		err = errors.Join(err, b.do(ctx, "docker", "rmi", "--force", i.ref))
	}
	if err := errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench/stack:", err)
	}
}

func (b *bench) do(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// jobs are done in this order, with an up that is not measured before the
// last.
var jobs = []struct {
	name   string
	wanted float64
}{{"up", 0.4}, {"stop", 0}, {"down with volumes", 0}}

type tool struct{ up, stop, down []string }

func (b *bench) compare(ctx context.Context, i image) (ours, theirs []time.Duration, err error) {
	const file = "docker-compose.yml"
	if err := b.do(ctx, b.etcdctr, "compose", "--name", project, "--image", i.ref, "--output", file); err != nil {
		return nil, nil, err
	}
	tools := []tool{
		{
			up:   []string{b.etcdctr, "up", "--file-compose", file},
			stop: []string{b.etcdctr, "stop", "--name", project},
			down: []string{b.etcdctr, "down", "--name", project, "--volumes", "--yes"},
		},
		{
			up:   []string{"docker-compose", "up", "--detach", "--wait"},
			stop: []string{"docker-compose", "stop"},
			down: []string{"docker-compose", "down", "--volumes"},
		},
	}
	times, err := measure.InTurns(ctx, rounds,
		func(ctx context.Context) ([]time.Duration, error) { return b.round(ctx, tools[0]) },
		func(ctx context.Context) ([]time.Duration, error) { return b.round(ctx, tools[1]) })
	if err != nil {
		return nil, nil, err
	}
	return medians(times[0]), medians(times[1]), nil
}

func (b *bench) round(ctx context.Context, t tool) ([]time.Duration, error) {
	var took []time.Duration
	for _, job := range []struct {
		args  []string
		count bool
	}{{t.up, true}, {t.stop, true}, {t.up, false}, {t.down, true}} {
		d, err := b.timed(ctx, job.args)
		if err != nil {
			return nil, err
		}
		if job.count {
			took = append(took, d)
		}
	}
	return took, nil
}

func (b *bench) timed(ctx context.Context, args []string) (time.Duration, error) {
	began := time.Now()
	err := b.do(ctx, args[0], args[1:]...)
	return time.Since(began), err
}

// nothingChanged measures an up that finds all as wanted, and the engine's
// answers to a program that asks what is there.
func (b *bench) nothingChanged(ctx context.Context) (ours, engine time.Duration, err error) {
	up := []string{b.etcdctr, "up", "--name", project, "--image", b.images[0].ref}
	if _, err := b.timed(ctx, up); err != nil {
		return 0, 0, err
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	return measure.Medians(ctx, rounds,
		func(ctx context.Context) (time.Duration, error) { return b.timed(ctx, up) },
		measure.Timed(func(ctx context.Context) error { return b.question(ctx, c) }))
}

// sizes compares the first start of other numbers of members with that of three.
func (b *bench) sizes(ctx context.Context, rows *measure.Rows) error {
	for _, n := range []int{1, 5, 7, 9} {
		ours, three, err := measure.Medians(ctx, fewRounds, b.first(n), b.first(3))
		if err != nil {
			return err
		}
		row := measure.Seconds(fmt.Sprintf("up of %d members", n), "three members", ours, three)
		if n == 9 {
			row = row.Want(1.8)
		}
		rows.Add(row)
	}
	return nil
}

// first is the first start of so many members, after which all is removed.
func (b *bench) first(members int) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		down := func() error {
			return b.do(context.WithoutCancel(ctx), b.etcdctr, "down", "--name", project, "--volumes", "--yes")
		}
		if err := down(); err != nil {
			return 0, err
		}
		took, err := b.timed(ctx, []string{b.etcdctr, "up", "--name", project, "--image", b.images[0].ref, "--members", strconv.Itoa(members)})
		return took, errors.Join(err, down())
	}
}

func (b *bench) question(ctx context.Context, c *client.Client) error {
	_, errImage := c.ImageInspect(ctx, b.images[0].ref)
	filter := make(client.Filters).Add("label", "com.docker.compose.project="+project)
	_, errContainers := c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	_, errNetworks := c.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	_, errVolumes := c.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	return errors.Join(errImage, errContainers, errNetworks, errVolumes)
}

// medians of each column.
func medians(rows [][]time.Duration) []time.Duration {
	out := make([]time.Duration, len(rows[0]))
	for i := range out {
		var column []time.Duration
		for _, r := range rows {
			column = append(column, r[i])
		}
		out[i] = measure.Median(column)
	}
	return out
}
