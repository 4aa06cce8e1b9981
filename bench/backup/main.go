// Command backup compares `etcdctr backup` and `etcdctr restore` with
// `etcdctl snapshot save` and `etcdutl snapshot restore`, of a database of 1 GiB.
//
// Everything is kept in TMPDIR: on a slow disk it is the disk that is measured,
// so TMPDIR=/dev/shm tells what the programs themselves take.
//
// See bench/README.md for what it is given and how it is read.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	rounds   = 3       // odd, so that there is a median
	database = 1 << 30 // bytes
	value    = 8 << 10 // bytes of one value
)

func main() { measure.Main("backup", run) }

func run(ctx context.Context, rows *measure.Rows) (err error) {
	b := bench{etcdctr: os.Getenv("BENCH_BIN"), etcd: filepath.Join(os.Getenv("BENCH_ETCD"), measure.Newest)}
	if b.etcdctr == "" || os.Getenv("BENCH_ETCD") == "" {
		return errors.New("BENCH_BIN or BENCH_ETCD is not set: run `make bench-backup`")
	}
	if b.dir, err = os.MkdirTemp("", "etcdctr-bench-backup"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	defer func() { err = errors.Join(err, b.down(ctx, source)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, row := range []struct {
		name         string
		ours, theirs func(context.Context) (usage, error)
		between      func(context.Context) error
		wanted       float64
	}{
		{name: "backup", ours: b.backup, theirs: b.save, between: b.forget, wanted: 1.1},
		{name: "backup, not compressed", ours: b.store, theirs: b.save, between: b.forget, wanted: 1.1},
		{name: "restore into three members", ours: b.restore, theirs: b.restoreByHand, between: b.downRestored, wanted: 0.4},
	} {
		ours, theirs, err := compare(ctx, row.ours, row.theirs, row.between)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		const rival, mebibyte = "etcdctl, etcdutl", 1 << 20
		rows.Add(measure.Seconds(row.name, rival, ours.took, theirs.took).Want(row.wanted))
		rows.Add(measure.Row{What: row.name + ", most memory", Rival: rival, Unit: "MiB", Ours: float64(ours.memory) / mebibyte, Theirs: float64(theirs.memory) / mebibyte})
	}
	return nil
}

// usage is what a program takes: in bytes, at its peak.
type usage struct {
	took   time.Duration
	memory int64
}

// compare measures both alternately and gives the medians.
func compare(ctx context.Context, ours, theirs func(context.Context) (usage, error), between func(context.Context) error) (usage, usage, error) {
	clean := func(side func(context.Context) (usage, error)) func(context.Context) (usage, error) {
		return func(ctx context.Context) (usage, error) {
			u, err := side(ctx)
			return u, errors.Join(err, between(context.WithoutCancel(ctx)))
		}
	}
	all, err := measure.InTurns(ctx, rounds, clean(ours), clean(theirs))
	if err != nil {
		return usage{}, usage{}, err
	}
	return median(all[0]), median(all[1]), nil
}

func median(all []usage) usage {
	slices.SortFunc(all, func(a, b usage) int { return int(a.took - b.took) })
	return all[len(all)/2]
}

// The clusters: one with the data, and one that it is restored into.
const source, restored = "etcdctr-bench-source", "etcdctr-bench-restored"

const clusterFile = `
runtime: process
publish: loopback
members:
  - {name: etcd1, client-port: 22379}
settings: {max-request-bytes: "10485760"}
`

type bench struct {
	etcdctr string
	etcd    string // the folder with etcd, etcdctl and etcdutl
	dir     string
}

func (b *bench) archive() string  { return filepath.Join(b.dir, "a.tar.zst") }
func (b *bench) snapshot() string { return filepath.Join(b.dir, "snapshot.db") }

// prepare makes the cluster with the data, and one backup of each kind.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(b.dir, "etcdctr.yaml"), []byte(clusterFile), 0o600); err != nil {
		return err
	}
	up := b.command(ctx, b.etcdctr, "up", "--name", source, "--detach", "--etcd-binary", filepath.Join(b.etcd, "etcd"))
	if _, err := use(up); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	_, errOurs := b.backup(ctx)
	_, errTheirs := b.save(ctx)
	return errors.Join(errOurs, errTheirs,
		os.Rename(b.archive(), b.archive()+".kept"), os.Rename(b.snapshot(), b.snapshot()+".kept"))
}

// fill writes values of which about half is text and half can't be compressed.
func (b *bench) fill(ctx context.Context) error {
	config, err := b.tls()
	if err != nil {
		return err
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{"https://127.0.0.1:22379"}, TLS: config, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer etcd.Close()
	const atOnce = 120
	random := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, value/2)
	text := strings.Repeat(`{"order":4711,"state":"paid","items":[{"sku":"A-1","count":2}]}`, value)[:value/2]
	for i := 0; i < database/value; {
		var ops []clientv3.Op
		for range atOnce {
			_, _ = random.Read(raw) // never fails
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("orders/%08d", i), string(raw)+text))
			i++
		}
		if _, err := etcd.Txn(ctx).Then(ops...).Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) client() string { return filepath.Join(b.dir, "certs", "clients", "root") }

func (b *bench) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(b.client(), "tls.crt"), filepath.Join(b.client(), "tls.key"))
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(filepath.Join(b.client(), "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
}

func (b *bench) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.dir
	return cmd
}

// use runs programs one after the other.
func use(commands ...*exec.Cmd) (usage, error) {
	var u usage
	began := time.Now()
	for _, cmd := range commands {
		if out, err := cmd.CombinedOutput(); err != nil {
			return u, fmt.Errorf("%v: %w\n%s", cmd, err, out)
		}
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			u.memory = max(u.memory, r.Maxrss<<10)
		}
	}
	u.took = time.Since(began)
	return u, nil
}

func (b *bench) backup(ctx context.Context) (usage, error) {
	return use(b.command(ctx, b.etcdctr, "backup", "--name", source, "--output", b.archive()))
}

func (b *bench) store(ctx context.Context) (usage, error) {
	return use(b.command(ctx, b.etcdctr, "backup", "--name", source, "--compression", "none", "--output", b.archive()))
}

func (b *bench) save(ctx context.Context) (usage, error) {
	return use(b.command(ctx, filepath.Join(b.etcd, "etcdctl"), "--endpoints", "https://127.0.0.1:22379", "--command-timeout", "10m",
		"--cacert", filepath.Join(b.client(), "ca.crt"), "--cert", filepath.Join(b.client(), "tls.crt"), "--key", filepath.Join(b.client(), "tls.key"),
		"snapshot", "save", b.snapshot()))
}

// forget makes room for the next.
func (b *bench) forget(context.Context) error {
	return errors.Join(os.RemoveAll(b.archive()), os.RemoveAll(b.snapshot()))
}

// restore ends when all members serve and hold the same.
func (b *bench) restore(ctx context.Context) (usage, error) {
	file := filepath.Join(b.dir, "three.yaml")
	three := "runtime: process\npublish: loopback\netcd-binary: " + filepath.Join(b.etcd, "etcd") + "\n" + `members: [{name: etcd1, client-port: 22679}, {name: etcd2, client-port: 22779}, {name: etcd3, client-port: 22879}]` + "\n"
	if err := os.WriteFile(file, []byte(three), 0o600); err != nil {
		return usage{}, err
	}
	return use(b.command(ctx, b.etcdctr, "restore", "--file", file, "--name", restored, b.archive()+".kept"))
}

// restoreByHand makes the data only, and starts nobody.
func (b *bench) restoreByHand(ctx context.Context) (usage, error) {
	var all []*exec.Cmd
	for i := range 3 {
		all = append(all, b.command(ctx, filepath.Join(b.etcd, "etcdutl"), "snapshot", "restore", b.snapshot()+".kept",
			"--name", fmt.Sprintf("etcd%d", i+1), "--data-dir", filepath.Join(b.dir, "by-hand", fmt.Sprint(i)),
			"--initial-cluster", "etcd1=http://127.0.0.1:1,etcd2=http://127.0.0.1:2,etcd3=http://127.0.0.1:3",
			"--initial-advertise-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", i+1), "--bump-revision", "1000000000", "--mark-compacted"))
	}
	return use(all...)
}

func (b *bench) downRestored(ctx context.Context) error {
	return errors.Join(b.down(ctx, restored), os.RemoveAll(filepath.Join(b.dir, "by-hand")))
}

// down removes a cluster, if it is there.
func (b *bench) down(ctx context.Context, name string) error {
	_, err := use(b.command(context.WithoutCancel(ctx), b.etcdctr, "down", "--name", name, "--volumes", "--yes"))
	return err
}
