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
	"slices"
	"text/tabwriter"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/bench/entry"
)

// rounds is how often each is measured; odd, so that there is a median.
const rounds = 11

// project is the name of everything that is made.
const project = "etcdctr-bench-stack"

func main() { entry.Main("stack", run) }

func run(ctx context.Context) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.clean()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "what\tetcdctr\tdocker compose\tratio")
	for _, image := range b.images {
		ours, theirs, err := b.compare(ctx, image)
		if err != nil {
			return err
		}
		for i, what := range jobs {
			row(w, what+", "+image.name, ours[i], theirs[i])
		}
	}
	fmt.Fprintln(w, "\t\tthe engine\tratio")
	ours, engine, err := b.nothingChanged(ctx)
	if err != nil {
		return err
	}
	row(w, "up, nothing changed", ours, engine)
	return w.Flush()
}

func row(w *tabwriter.Writer, what string, ours, theirs time.Duration) {
	fmt.Fprintf(w, "%s\t%.2f s\t%.2f s\t%.2f\n", what, ours.Seconds(), theirs.Seconds(), ours.Seconds()/theirs.Seconds())
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
		b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet", "--source", "dir", "--dir", filepath.Join(etcd, "3.7"), "--tag", upstream.ref),
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
var jobs = []string{"up", "stop", "down with volumes"}

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
	times := make([][][]time.Duration, len(tools))
	for range rounds {
		for t, tool := range tools {
			took, err := b.round(ctx, tool)
			if err != nil {
				return nil, nil, err
			}
			times[t] = append(times[t], took)
		}
	}
	return medians(times[0]), medians(times[1]), nil
}

func (b *bench) round(ctx context.Context, t tool) ([]time.Duration, error) {
	var took []time.Duration
	for _, job := range []struct {
		args  []string
		count bool
	}{{t.up, true}, {t.stop, true}, {t.up, false}, {t.down, true}} {
		d, err := b.measure(ctx, job.args)
		if err != nil {
			return nil, err
		}
		if job.count {
			took = append(took, d)
		}
	}
	return took, nil
}

func (b *bench) measure(ctx context.Context, args []string) (time.Duration, error) {
	began := time.Now()
	err := b.do(ctx, args[0], args[1:]...)
	return time.Since(began), err
}

// nothingChanged measures an up that finds all as wanted, and the engine's
// answers to a program that asks what is there.
func (b *bench) nothingChanged(ctx context.Context) (ours, engine time.Duration, err error) {
	up := []string{b.etcdctr, "up", "--name", project, "--image", b.images[0].ref}
	if _, err := b.measure(ctx, up); err != nil {
		return 0, 0, err
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	times := make([][]time.Duration, rounds)
	for i := range times {
		took, err := b.measure(ctx, up)
		if err != nil {
			return 0, 0, err
		}
		began := time.Now()
		if err := b.question(ctx, c); err != nil {
			return 0, 0, err
		}
		times[i] = []time.Duration{took, time.Since(began)}
	}
	m := medians(times)
	return m[0], m[1], nil
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
		slices.Sort(column)
		out[i] = column[len(column)/2]
	}
	return out
}
