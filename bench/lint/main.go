// Command lint compares `etcdctr lint` of a file with a thousand services of
// etcd with `docker compose config` of the same file, which reads it too and
// judges nothing.
//
// See bench/README.md for what it is given and how it is read.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	rounds   = 5 // odd, so that there is a median
	services = 1000
)

func main() { measure.Main("lint", run) }

func run(ctx context.Context, rows *measure.Rows) (err error) {
	etcdctr := os.Getenv("BENCH_BIN")
	if etcdctr == "" {
		return errors.New("BENCH_BIN is not set: run `make bench-lint`")
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		return fmt.Errorf("the rival is not there: %w: run `make bench-lint`", err)
	}
	dir, err := os.MkdirTemp("", "etcdctr-bench-lint-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(file()), 0o600); err != nil {
		return err
	}
	ours, theirs, err := measure.Medians(ctx, rounds,
		func(ctx context.Context) (time.Duration, error) {
			return timed(ctx, dir, `"client-port-open"`, etcdctr, "lint", "--format", "json", "--fail-on", "none")
		},
		func(ctx context.Context) (time.Duration, error) {
			return timed(ctx, dir, `image: `, "docker-compose", "config")
		})
	if err != nil {
		return err
	}
	rows.Add(measure.Seconds(fmt.Sprintf("lint of %d services", services), "docker compose config", ours, theirs).Want(0.5))
	return nil
}

// file has clusters of five members, in the manner of what people publish.
func file() string {
	const size = 5
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range services {
		var list []string
		for j := range size {
			name := fmt.Sprintf("etcd%d", i/size*size+j)
			list = append(list, fmt.Sprintf("%s=http://%s:2380", name, name))
		}
		fmt.Fprintf(&b, `  etcd%[1]d:
    image: quay.io/coreos/etcd:v3.5.9
    restart: always
    environment:
      ETCD_NAME: etcd%[1]d
      ETCD_DATA_DIR: /etcd-data
      ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379
      ETCD_ADVERTISE_CLIENT_URLS: http://etcd%[1]d:2379
      ETCD_LISTEN_PEER_URLS: http://0.0.0.0:2380
      ETCD_INITIAL_ADVERTISE_PEER_URLS: http://etcd%[1]d:2380
      ETCD_INITIAL_CLUSTER: %[2]s
    ports: ["%[3]d:2379"]
    volumes: ["data%[1]d:/etcd-data"]
`, i, strings.Join(list, ","), 10000+i)
	}
	b.WriteString("volumes:\n")
	for i := range services {
		fmt.Fprintf(&b, "  data%d:\n", i)
	}
	return b.String()
}

// timed runs one command, which must print something for each service.
func timed(ctx context.Context, dir, forEach, name string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", cmd, err, complaints.Bytes())
	}
	if n := strings.Count(out.String(), forEach); n < services {
		return 0, fmt.Errorf("%v: found %d services, want %d", cmd, n, services)
	}
	return took, nil
}
