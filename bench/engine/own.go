package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// inside tells this program that it runs in the namespaces that it has made for itself.
const inside = "BENCH_ENGINE_INSIDE"

// enter runs this program once more, in network and mount namespaces of its own: an
// engine writes the rules of a network, and this machine's has its own there.
func enter() int {
	if os.Getenv("BENCH_BIN") == "" || os.Getenv("BENCH_ETCD") == "" || os.Getenv("BENCH_ENGINE") == "" {
		fmt.Fprintln(os.Stderr, "bench/engine: BENCH_BIN, BENCH_ETCD and BENCH_ENGINE are not set: run `make bench-engine`")
		return 1
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "bench/engine: cannot have a network of its own, which takes root on Linux:", err)
	}
	if err != nil {
		return 1
	}
	return 0
}

const engineTimeout = time.Minute

// startEngine starts today's, has DOCKER_HOST lead there, and gives what stops it.
func startEngine(ctx context.Context, dir string) (stop func(), err error) {
	programs := os.Getenv("BENCH_ENGINE")
	if err := os.Setenv("PATH", programs+":"+os.Getenv("PATH")); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	for _, at := range []string{"/run", data} {
		if err := syscall.Mount("tmpfs", at, "tmpfs", 0, ""); err != nil {
			return nil, fmt.Errorf("mount %s: %w", at, err)
		}
	}
	if out, err := exec.CommandContext(ctx, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ip: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	socket := "unix://" + filepath.Join(dir, "docker.sock")
	cmd := exec.Command("dockerd", "--config-file", "/dev/null", "--data-root", data, "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", socket, "--seccomp-profile", "unconfined")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to
		_ = syscall.Unmount(data, syscall.MNT_DETACH)
	}
	if err := errors.Join(os.Setenv("DOCKER_HOST", socket), untilAnswer(ctx)); err != nil {
		said, _ := os.ReadFile(log.Name())
		stop()
		return nil, fmt.Errorf("today's engine does not start: %w\n%s", err, said)
	}
	return stop, nil
}

func untilAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer engine.Close()
	for {
		_, err := engine.Ping(ctx, client.PingOptions{})
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
