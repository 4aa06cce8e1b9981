// Command process compares `etcdctr up --runtime process --detach` with a shell
// script that starts the same three members: from nothing to the moment when all
// of them answer a linearizable read.
//
// See bench/README.md for what it is given and how it is read.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// rounds is how often each is measured; odd, so that there is a median.
const rounds = 15

func main() { measure.Main("process", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	b := bench{etcdctr: os.Getenv("BENCH_BIN"), etcd: filepath.Join(os.Getenv("BENCH_ETCD"), measure.Newest, "etcd")}
	if b.etcdctr == "" || os.Getenv("BENCH_ETCD") == "" {
		return errors.New("BENCH_BIN or BENCH_ETCD is not set: run `make bench-process`")
	}
	dir, err := os.MkdirTemp("", "etcdctr-bench-process")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.starts(ctx, rows); err != nil {
		return err
	}
	return b.health(ctx, rows)
}

type bench struct {
	etcdctr, etcd string
	dir           string
	tls           *tls.Config
}

// clusterFile has a name and ports that nothing else on the machine is likely to use.
const clusterFile = `
name: etcdctr-bench-process
runtime: process
members:
  - {name: etcd1, client-port: 22379}
  - {name: etcd2, client-port: 22479}
  - {name: etcd3, client-port: 22579}
`

// prepare makes what both sides find there already: the certificates, and the
// script.
func (b *bench) prepare(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(b.dir, "etcdctr.yaml"), []byte(clusterFile), 0o600); err != nil {
		return err
	}
	procfile, err := b.command(ctx, "procfile", "--etcd-binary", b.etcd).Output()
	if err != nil {
		return fmt.Errorf("cannot make the script: %w", err)
	}
	script := "#!/bin/sh\n"
	for line := range strings.Lines(string(procfile)) {
		_, command, _ := strings.Cut(strings.TrimSpace(line), ": ")
		script += "(" + command + ") >/dev/null 2>&1 &\n"
	}
	if err := os.WriteFile(b.script(), []byte(script+"wait\n"), 0o700); err != nil {
		return err
	}
	b.tls, err = measure.ClientTLS(filepath.Join(b.dir, "certs", "clients", "root"))
	return err
}

func (b *bench) script() string { return filepath.Join(b.dir, "start.sh") }

func members() []measure.Member {
	var all []measure.Member
	for _, port := range []string{"22379", "22479", "22579"} {
		address := "127.0.0.1:" + port
		all = append(all, measure.Member{URL: "https://" + address, Address: address})
	}
	return all
}

func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.etcdctr, args...)
	cmd.Dir = b.dir
	return cmd
}

// starts compares the script with etcdctr, which runs the same etcd and its own. How long the
// script takes is luck, see bench/README.md, so that it is measured more often.
func (b *bench) starts(ctx context.Context, rows *measure.Rows) error {
	up := func(flags ...string) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) { return b.up(ctx, flags) }
	}
	all, err := measure.InTurns(ctx, rounds, b.runScript, up("--etcd-binary", b.etcd), b.runScript, up(), b.runScript)
	if err != nil {
		return err
	}
	same, inside, script := measure.Median(all[1]), measure.Median(all[3]), measure.Median(slices.Concat(all[0], all[2], all[4]))
	rows.Add(measure.Seconds("three members of the same etcd", "script", same, script).Want(0.2))
	rows.Add(measure.Seconds("three members of the etcd inside", "script", inside, script).Want(0.2))
	return nil
}

// health compares `etcdctr health` with etcdctl's question to all members.
func (b *bench) health(ctx context.Context, rows *measure.Rows) (err error) {
	if out, err := b.command(ctx, "up", "--runtime", "process", "--detach").CombinedOutput(); err != nil {
		return fmt.Errorf("etcdctr up: %w\n%s", err, out)
	}
	defer func() {
		err = errors.Join(err, b.command(context.WithoutCancel(ctx), "down", "--volumes", "--yes").Run())
	}()
	dir := filepath.Join(b.dir, "certs", "clients", "root")
	ours, theirs, err := measure.Medians(ctx, rounds,
		measure.Timed(func(ctx context.Context) error { return b.command(ctx, "health").Run() }),
		measure.Timed(func(ctx context.Context) error {
			return exec.CommandContext(ctx, filepath.Join(filepath.Dir(b.etcd), "etcdctl"), "endpoint", "health", "--cluster",
				"--endpoints", "https://127.0.0.1:22379", "--cacert", filepath.Join(dir, "ca.crt"),
				"--cert", filepath.Join(dir, "tls.crt"), "--key", filepath.Join(dir, "tls.key")).Run()
		}))
	if err != nil {
		return err
	}
	rows.Add(measure.Seconds("health of three members", "etcdctl endpoint health", ours, theirs).Want(1.5))
	return nil
}

// up measures etcdctr, which returns when all members answer.
func (b *bench) up(ctx context.Context, flags []string) (time.Duration, error) {
	began := time.Now()
	out, err := b.command(ctx, append([]string{"up", "--runtime", "process", "--detach"}, flags...)...).CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("etcdctr up: %w\n%s", err, out)
	}
	return took, b.command(context.WithoutCancel(ctx), "down", "--volumes", "--yes").Run()
}

// runScript measures the script.
func (b *bench) runScript(ctx context.Context) (took time.Duration, err error) {
	if err := os.RemoveAll(filepath.Join(b.dir, "data")); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, b.script())
	cmd.Dir = b.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
		_ = cmd.Wait() // it was killed
	}()
	if err := measure.UntilServing(ctx, b.tls, members()...); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}
