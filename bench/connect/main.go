// Command connect compares `etcdctr connect` with a connection straight to the
// member's container, which only the engine's own host can have: how long a
// request takes, how much goes through, and what a new connection costs. That an
// engine is another machine's, it makes up, which takes root on Linux.
//
// Reads are serializable, so that the member answers by itself and the way to it
// is what is measured. See bench/README.md for what it is given and how it is
// read.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	rounds = 11 // odd, so that there is a median
	large  = 1 << 20
	wanted = 1.5
)

func main() { measure.Main("connect", run) }

func run(ctx context.Context, rows *measure.Rows) (err error) {
	b := bench{etcdctr: os.Getenv("BENCH_BIN"), name: "etcdctr-bench-connect-" + strings.ToLower(rand.Text()[:6])}
	if b.etcdctr == "" {
		return errors.New("BENCH_BIN is not set: run `make bench-connect`")
	}
	if b.dir, err = os.MkdirTemp("", "etcdctr-bench-connect-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.remove()) }()
	if err := b.up(ctx); err != nil {
		return err
	}
	straight, err := b.straight(ctx)
	if err != nil {
		return err
	}
	for _, w := range ways {
		if err := b.compare(ctx, rows, w, straight); err != nil {
			return err
		}
	}
	return b.floor(ctx, rows, straight)
}

// bench is a stack of one member, and what it takes to reach it.
type bench struct {
	etcdctr, name, dir string
}

func (b *bench) image() string { return b.name + ":etcd" }

func (b *bench) up(ctx context.Context) error {
	for _, args := range [][]string{
		{"image", "build", "--source", "self", "--tag", b.image(), "--progress", "quiet"},
		{"up", "--name", b.name, "--members", "1", "--image", b.image(), "--progress", "quiet"},
	} {
		if _, err := b.command(ctx, b.etcdctr, args...); err != nil {
			return err
		}
	}
	return nil
}

// remove is for after Ctrl-C too, so it has a context of its own.
func (b *bench) remove() error {
	ctx := context.Background()
	_, down := b.command(ctx, b.etcdctr, "down", "--volumes", "--yes", "--name", b.name, "--progress", "quiet")
	_, rmi := b.command(ctx, "docker", "rmi", "--force", b.image())
	return errors.Join(down, rmi, os.RemoveAll(b.dir))
}

func (b *bench) command(ctx context.Context, name string, args ...string) (string, error) {
	return measure.Output(ctx, b.dir, name, args...)
}

// straight is a client's configuration for the container's own address.
func (b *bench) straight(ctx context.Context) (clientv3.Config, error) {
	address, err := b.command(ctx, "docker", "inspect", "--format",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", b.name+"-etcd1-1")
	if err != nil {
		return clientv3.Config{}, err
	}
	shows, err := b.tls()
	return measure.Member{URL: "https://etcd1:2379", Address: address + ":2379"}.Config(shows), err
}

func (b *bench) tls() (*tls.Config, error) {
	return measure.ClientTLS(filepath.Join(b.dir, "certs", "clients", "root"))
}

// way is how members are reached.
type way struct {
	name, via string
	// before are what etcdctr is started by.
	before []string
}

// ways are with a relay of this machine's engine, which hands connections over, with one
// that takes the engine for another machine's, and so carries them, and without.
var ways = []way{
	{name: "relay", via: "relay"},
	{name: "relay elsewhere", via: "relay", before: []string{"unshare", "--uts", "sh", "-c", `hostname elsewhere && exec "$@"`, "sh"}},
	{name: "direct", via: "direct"},
}

// compare measures one way and the straight one alternately.
func (b *bench) compare(ctx context.Context, rows *measure.Rows, w way, straight clientv3.Config) error {
	endpoint, stop, err := b.connect(ctx, w)
	if err != nil {
		return err
	}
	defer stop()
	shows, err := b.tls()
	if err != nil {
		return err
	}
	ours := clientv3.Config{Endpoints: []string{endpoint}, TLS: shows, Logger: zap.NewNop()}
	for _, m := range measurements {
		us, them, err := alternate(ctx, m, ours, straight)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", w.name, m.name, err)
		}
		rows.Add(measure.Seconds(w.name+": "+m.name, "no tunnel", us, them).Want(wanted))
	}
	return nil
}

// connect keeps `etcdctr connect` running until stop is called.
func (b *bench) connect(ctx context.Context, w way) (endpoint string, stop func(), err error) {
	words := append(slices.Clone(w.before), b.etcdctr, "connect", "--name", b.name, "--via", w.via, "--listen", "127.0.0.1:0", "--format", "json")
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = b.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Cancel()
		_ = cmd.Wait() // it ends as interrupted
	}
	var env map[string]string
	if err := json.NewDecoder(out).Decode(&env); err != nil {
		stop()
		return "", nil, fmt.Errorf("connect by way of %s does not connect: %w", w.name, err)
	}
	return env["ETCDCTL_ENDPOINTS"], stop, nil
}

// measurement is something to be done over a client's configuration, and timed
// per piece.
type measurement struct {
	name   string
	pieces int
	do     func(context.Context, clientv3.Config, int) error
}

var measurements = []measurement{
	{"small read, one after the other", 500, func(ctx context.Context, c clientv3.Config, n int) error {
		return read(ctx, c, "small", n, 1)
	}},
	{"small read, 32 at a time", 4000, func(ctx context.Context, c clientv3.Config, n int) error {
		return read(ctx, c, "small", n, 32)
	}},
	{"1 MiB read, one after the other", 30, func(ctx context.Context, c clientv3.Config, n int) error {
		return read(ctx, c, "large", n, 1)
	}},
	{"1 MiB read, 4 at a time", 60, func(ctx context.Context, c clientv3.Config, n int) error {
		return read(ctx, c, "large", n, 4)
	}},
	{"1,000 watches, an event to each", 1, watch},
	{"new connection and first read", 20, func(ctx context.Context, c clientv3.Config, n int) error {
		for range n {
			if err := read(ctx, c, "small", 1, 1); err != nil {
				return err
			}
		}
		return nil
	}},
}

// read reads a key n times over one client.
func read(ctx context.Context, config clientv3.Config, key string, n, atATime int) error {
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atATime)
	for range n {
		g.Go(func() error {
			r, err := client.Get(ctx, key, clientv3.WithSerializable())
			if err == nil && len(r.Kvs) != 1 {
				err = fmt.Errorf("%s is not there", key)
			}
			return err
		})
	}
	return g.Wait()
}

// watch opens watches of one key, n times as many as count as a piece, and returns when
// each has told of the same write.
func watch(ctx context.Context, config clientv3.Config, n int) error {
	const many = 1000
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	var opened sync.WaitGroup
	for range n * many {
		opened.Add(1)
		g.Go(func() error {
			events := client.Watch(ctx, "watched", clientv3.WithCreatedNotify())
			created := <-events
			opened.Done()
			if err := created.Err(); err != nil {
				return err
			}
			event := <-events
			return event.Err()
		})
	}
	opened.Wait()
	_, err = client.Put(ctx, "watched", "value")
	return errors.Join(err, g.Wait())
}

// alternate gives the medians of what a piece takes.
func alternate(ctx context.Context, m measurement, ours, theirs clientv3.Config) (us, them time.Duration, err error) {
	if err := write(ctx, theirs); err != nil {
		return 0, 0, err
	}
	over := func(config clientv3.Config) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			start := time.Now()
			err := m.do(ctx, config, m.pieces)
			return time.Since(start) / time.Duration(m.pieces), err
		}
	}
	return measure.Medians(ctx, rounds, over(ours), over(theirs))
}

func write(ctx context.Context, config clientv3.Config) error {
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	_, small := client.Put(ctx, "small", "value")
	_, big := client.Put(ctx, "large", strings.Repeat("x", large))
	return errors.Join(small, big)
}
