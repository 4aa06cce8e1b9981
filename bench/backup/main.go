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

	"filippo.io/age"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	rounds   = 1       // of seconds each
	database = 1 << 30 // bytes
	value    = 8 << 10 // bytes of one value

	mostAbove = 64 // MiB that each may take more than etcd's own
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
	stop, err := b.startBucket(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	backups, err := b.medians(ctx, b.forget, b.save, b.backup, b.store, b.encrypt, b.upload)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	compare(rows, "backup", backups[1], backups[0], 1.1)
	compare(rows, "backup, not compressed", backups[2], backups[0], 1.1)
	compare(rows, "backup, encrypted", backups[3], backups[0], 0)
	compare(rows, "backup into a bucket", backups[4], backups[0], 0)
	restores, err := b.medians(ctx, b.downRestored, b.restoreByHand, b.serveByHand, b.restore, b.restoreEncrypted)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	compare(rows, "restore into three members", restores[2], restores[0], 0.4)
	compare(rows, "restore, until all members serve and hold the same", restores[2], restores[1], 0)
	compare(rows, "restore of an encrypted one", restores[3], restores[0], 0)
	return nil
}

// usage is what a program takes: in bytes, at its peak.
type usage struct {
	took   time.Duration
	memory int64
}

// medians has each done in turns, with between after it.
func (b *bench) medians(ctx context.Context, between func(context.Context) error, each ...func(context.Context) (usage, error)) ([]usage, error) {
	var sides []func(context.Context) (usage, error)
	for _, do := range each {
		sides = append(sides, func(ctx context.Context) (usage, error) {
			u, err := do(ctx)
			return u, errors.Join(err, between(context.WithoutCancel(ctx)))
		})
	}
	all, err := measure.InTurns(ctx, rounds, sides...)
	var out []usage
	for _, used := range all {
		out = append(out, median(used))
	}
	return out, err
}

// compare adds what two have taken, in time and in memory.
func compare(rows *measure.Rows, what string, ours, theirs usage, wanted float64) {
	const rival, mebibyte = "etcdctl, etcdutl", 1 << 20
	rows.Add(measure.Seconds(what, rival, ours.took, theirs.took).Want(wanted))
	memory := measure.Row{What: what + ", most memory", Rival: rival, Unit: "MiB", Ours: float64(ours.memory) / mebibyte, Theirs: float64(theirs.memory) / mebibyte}
	rows.Add(memory.Want((memory.Theirs + mostAbove) / memory.Theirs))
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
	bucket  []string // the environment that leads to it
	uploads int
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
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	errKey := errors.Join(os.WriteFile(b.key(), []byte(key.String()+"\n"), 0o600), os.WriteFile(b.key()+".pub", []byte(key.Recipient().String()), 0o600))
	_, errEncrypted := b.encrypt(ctx)
	errEncrypted = errors.Join(errEncrypted, os.Rename(b.archive(), b.archive()+".encrypted"))
	_, errOurs := b.backup(ctx)
	_, errTheirs := b.save(ctx)
	return errors.Join(errKey, errEncrypted, errOurs, errTheirs,
		os.Rename(b.archive(), b.archive()+".kept"), os.Rename(b.snapshot(), b.snapshot()+".kept"))
}

// startBucket starts a service that keeps one in a folder.
func (b *bench) startBucket(ctx context.Context) (stop func(), err error) {
	folder, address := filepath.Join(b.dir, "bucket"), "127.0.0.1:22981"
	cmd := b.command(ctx, "gofakes3", "-host", address, "-backend", "fs", "-fs.path", folder, "-fs.create", "-initialbucket", "backups", "-quiet")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.bucket = []string{"AWS_ENDPOINT_URL=http://" + address, "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1"}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}, nil
}

// fill writes values of which about half is text and half can't be compressed.
func (b *bench) fill(ctx context.Context) error {
	config, err := measure.ClientTLS(b.client())
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

func (b *bench) key() string { return filepath.Join(b.dir, "key") }

func (b *bench) encrypt(ctx context.Context) (usage, error) {
	public, err := os.ReadFile(b.key() + ".pub")
	if err != nil {
		return usage{}, err
	}
	return use(b.command(ctx, b.etcdctr, "backup", "--name", source, "--encrypt-to", string(public), "--output", b.archive()))
}

// upload takes the one that is due, of a destination that has none.
func (b *bench) upload(ctx context.Context) (usage, error) {
	b.uploads++
	file := filepath.Join(b.dir, "bucket.yaml")
	text := clusterFile + fmt.Sprintf("backup: {destination: \"s3://backups/%d\", service: false}\n", b.uploads)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return usage{}, err
	}
	cmd := b.command(ctx, b.etcdctr, "backup", "run", "--once", "--file", file, "--name", source)
	cmd.Env = append(os.Environ(), b.bucket...)
	return use(cmd)
}

func (b *bench) save(ctx context.Context) (usage, error) {
	return use(b.command(ctx, filepath.Join(b.etcd, "etcdctl"), "--endpoints", "https://127.0.0.1:22379", "--command-timeout", "10m",
		"--cacert", filepath.Join(b.client(), "ca.crt"), "--cert", filepath.Join(b.client(), "tls.crt"), "--key", filepath.Join(b.client(), "tls.key"),
		"snapshot", "save", b.snapshot()))
}

// forget makes room for the next.
func (b *bench) forget(context.Context) error {
	return errors.Join(os.RemoveAll(b.archive()), os.RemoveAll(b.snapshot()), os.RemoveAll(filepath.Join(b.dir, "bucket", "buckets", "backups", fmt.Sprint(b.uploads))))
}

func (b *bench) restore(ctx context.Context) (usage, error) {
	return b.restoreOf(ctx, b.archive()+".kept")
}

func (b *bench) restoreEncrypted(ctx context.Context) (usage, error) {
	return b.restoreOf(ctx, b.archive()+".encrypted", "--identity-file", b.key())
}

// restoreOf ends when all members serve and hold the same.
func (b *bench) restoreOf(ctx context.Context, archive string, more ...string) (usage, error) {
	file := filepath.Join(b.dir, "three.yaml")
	three := "runtime: process\npublish: loopback\ncerts-dir: restored\netcd-binary: " + filepath.Join(b.etcd, "etcd") + "\n" + `members: [{name: etcd1, client-port: 22679}, {name: etcd2, client-port: 22779}, {name: etcd3, client-port: 22879}]` + "\n"
	if err := os.WriteFile(file, []byte(three), 0o600); err != nil {
		return usage{}, err
	}
	return use(b.command(ctx, b.etcdctr, append([]string{"restore", "--file", file, "--name", restored, archive}, more...)...))
}

// byHand are the peers of the members that are restored by hand, and their clients' ports.
var byHand = []struct{ name, peer, client string }{
	{"etcd1", "http://127.0.0.1:22691", "http://127.0.0.1:22681"},
	{"etcd2", "http://127.0.0.1:22692", "http://127.0.0.1:22682"},
	{"etcd3", "http://127.0.0.1:22693", "http://127.0.0.1:22683"},
}

func (b *bench) folder(name string) string { return filepath.Join(b.dir, "by-hand", name) }

// restoreByHand makes the data only, and starts nobody.
func (b *bench) restoreByHand(ctx context.Context) (usage, error) {
	var all []*exec.Cmd
	for _, m := range byHand {
		all = append(all, b.command(ctx, filepath.Join(b.etcd, "etcdutl"), "snapshot", "restore", b.snapshot()+".kept",
			"--name", m.name, "--data-dir", b.folder(m.name), "--initial-cluster", peersByHand(),
			"--initial-advertise-peer-urls", m.peer, "--bump-revision", "1000000000", "--mark-compacted"))
	}
	return use(all...)
}

func peersByHand() string {
	var all []string
	for _, m := range byHand {
		all = append(all, m.name+"="+m.peer)
	}
	return strings.Join(all, ",")
}

// serveByHand is restoreByHand that also starts the members, without TLS, waits for each, and
// asks each for its hash, as `+"`etcdctr restore`"+` does.
func (b *bench) serveByHand(ctx context.Context) (usage, error) {
	made, err := b.restoreByHand(ctx)
	if err != nil {
		return made, err
	}
	began := time.Now()
	var clients []string
	for _, m := range byHand {
		clients = append(clients, m.client)
		cmd := b.command(ctx, filepath.Join(b.etcd, "etcd"), "--name", m.name, "--data-dir", b.folder(m.name),
			"--initial-cluster", peersByHand(), "--initial-advertise-peer-urls", m.peer, "--listen-peer-urls", m.peer,
			"--listen-client-urls", m.client, "--advertise-client-urls", m.client, "--log-level", "error")
		if err := cmd.Start(); err != nil {
			return made, err
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed
		}()
	}
	etcdctl := func(args ...string) error {
		_, err := use(b.command(ctx, filepath.Join(b.etcd, "etcdctl"), append([]string{"--endpoints", strings.Join(clients, ","), "--command-timeout", "1m"}, args...)...))
		return err
	}
	for etcdctl("endpoint", "health") != nil {
		if err := ctx.Err(); err != nil {
			return made, err
		}
		time.Sleep(100 * time.Millisecond) // as a script would
	}
	err = etcdctl("endpoint", "hashkv")
	made.took += time.Since(began)
	return made, err
}

func (b *bench) downRestored(ctx context.Context) error {
	return errors.Join(b.down(ctx, restored), os.RemoveAll(filepath.Join(b.dir, "by-hand")))
}

// down removes a cluster, if it is there.
func (b *bench) down(ctx context.Context, name string) error {
	_, err := use(b.command(context.WithoutCancel(ctx), b.etcdctr, "down", "--name", name, "--volumes", "--yes"))
	return err
}
