// Command stack compares `etcdctr up`, `stop` and `down --volumes` with Docker
// Compose doing the same with the same file: three members with mutual TLS,
// whose image is present. The floor of `up` is what the engine alone takes.
//
// `up` is measured with two images: the one that `etcdctr image build` makes of
// itself, whose members help each other to start, and one with upstream's
// programs. Further rows compare the slowest of many starts with the one in the
// middle, an `up` that has nothing to do with what the engine takes to answer
// the questions that it has to ask, and starts of more members and of fewer with that
// of three.
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
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/bench/measure"
	"github.com/etcdctr/etcdctr/bench/starts"
)

// How often each is measured; odd, so that there is a median.
const rounds, inARow = 9, 40

// project is the name of everything that is made.
const project = "etcdctr-bench-stack"

func main() { measure.Main("stack", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.clean()
	for _, image := range []image{b.upstream, b.own} { // the file of the last is what the rest starts
		if b.stack, err = starts.New(ctx, b.etcdctr, b.dir, project, image.ref); err != nil {
			return err
		}
		if err := b.stack.Compare(ctx, rows, "up, "+image.name, rounds, image.wanted, 1.25); err != nil {
			return err
		}
	}
	for _, measured := range []func(context.Context, *measure.Rows) error{b.ends, b.slowest, b.nothingChanged, b.sizes} {
		if err := measured(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

type image struct {
	name, ref string
	wanted    float64 // of Compose's
}

type bench struct {
	etcdctr       string
	dir           string
	own, upstream image
	stack         *starts.Stack // of the own image
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
	b.own, b.upstream = image{"own image", project + ":own", 0.28}, image{"upstream's programs", project + ":upstream", 0.28}
	err = errors.Join(
		b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet", "--tag", b.own.ref),
		b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet", "--source", "dir", "--dir", filepath.Join(etcd, measure.Newest), "--tag", b.upstream.ref),
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
	for _, i := range []image{b.own, b.upstream} {
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

// ends compares stop and down.
func (b *bench) ends(ctx context.Context, rows *measure.Rows) error {
	for _, job := range []struct {
		name         string
		ours, theirs []string
	}{
		{"stop", []string{b.etcdctr, "stop", "--name", project}, []string{"docker-compose", "stop"}},
		{"down with volumes", []string{b.etcdctr, "down", "--name", project, "--volumes", "--yes"}, []string{"docker-compose", "down", "--volumes"}},
	} {
		after := func(args []string) func(context.Context) (time.Duration, error) {
			return func(ctx context.Context) (time.Duration, error) {
				if err := b.stack.Up(ctx); err != nil {
					return 0, err
				}
				took, err := b.timed(ctx, args)
				return took, errors.Join(err, b.stack.Down(ctx))
			}
		}
		ours, theirs, err := measure.Medians(ctx, rounds, after(job.ours), after(job.theirs))
		if err != nil {
			return err
		}
		rows.Add(measure.Seconds(job.name, "docker compose", ours, theirs))
	}
	return nil
}

// slowest compares the slowest of many starts with their median: no start is to depend on luck.
// Those that other rows have taken count.
func (b *bench) slowest(ctx context.Context, rows *measure.Rows) error {
	for len(b.stack.Took) < inARow {
		if err := errors.Join(b.stack.Up(ctx), b.stack.Down(ctx)); err != nil {
			return err
		}
	}
	all := b.stack.Took
	rows.Add(measure.Seconds(fmt.Sprintf("slowest of %d starts", len(all)), "their median", slices.Max(all), measure.Median(all)).Want(2))
	return nil
}

func (b *bench) timed(ctx context.Context, args []string) (time.Duration, error) {
	began := time.Now()
	err := b.do(ctx, args[0], args[1:]...)
	return time.Since(began), err
}

// nothingChanged measures an up that finds all as wanted, and the engine's
// answers to a program that asks what is there.
func (b *bench) nothingChanged(ctx context.Context, rows *measure.Rows) error {
	up := []string{b.etcdctr, "up", "--name", project, "--image", b.own.ref}
	if _, err := b.timed(ctx, up); err != nil {
		return err
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer c.Close()
	ours, engine, err := measure.Medians(ctx, rounds,
		func(ctx context.Context) (time.Duration, error) { return b.timed(ctx, up) },
		measure.Timed(func(ctx context.Context) error { return b.question(ctx, c) }))
	rows.Add(measure.Seconds("up, nothing changed", "the engine's answers", ours, engine))
	return err
}

// sizes compares the first start of other numbers of members with that of three.
func (b *bench) sizes(ctx context.Context, rows *measure.Rows) error {
	if err := b.stack.Down(ctx); err != nil {
		return err
	}
	const usual, most = 3, 9
	others := []int{1, 5, 7, most}
	sides := []func(context.Context) (time.Duration, error){b.first(usual)}
	for _, n := range others {
		sides = append(sides, b.first(n))
	}
	all, err := measure.InTurns(ctx, rounds, sides...)
	if err != nil {
		return err
	}
	for i, n := range others {
		row := measure.Seconds(fmt.Sprintf("up of %d members", n), "three members", measure.Median(all[i+1]), measure.Median(all[0]))
		if n == most {
			row = row.Want(1.8)
		}
		rows.Add(row)
	}
	return nil
}

// first is the first start of so many members, after which all is removed.
func (b *bench) first(members int) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		took, err := b.timed(ctx, []string{b.etcdctr, "up", "--name", project, "--image", b.own.ref, "--members", strconv.Itoa(members)})
		return took, errors.Join(err, b.stack.Down(ctx))
	}
}

func (b *bench) question(ctx context.Context, c *client.Client) error {
	_, errImage := c.ImageInspect(ctx, b.own.ref)
	filter := make(client.Filters).Add("label", "com.docker.compose.project="+project)
	_, errContainers := c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	_, errNetworks := c.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	_, errVolumes := c.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	return errors.Join(errImage, errContainers, errNetworks, errVolumes)
}
