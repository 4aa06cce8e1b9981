// Command images compares `etcdctr image build` with `docker build` of the same
// files, and the image of its one program with an image of upstream's three.
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
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

const (
	// rounds is how often each is measured; odd, so that there is a median.
	rounds = 7

	ours       = "etcdctr-bench-images:etcdctr"
	theirs     = "etcdctr-bench-images:docker"
	upstream   = "etcdctr-bench-images:upstream"
	dockerfile = `FROM scratch
COPY etcd etcdctl etcdutl /usr/local/bin/
WORKDIR /var/lib/etcd
EXPOSE 2379 2380
CMD ["/usr/local/bin/etcd"]
`
)

func main() { measure.Main("images", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	etcdctr, etcd := os.Getenv("BENCH_BIN"), os.Getenv("BENCH_ETCD")
	if etcdctr == "" || etcd == "" {
		return errors.New("BENCH_BIN and BENCH_ETCD are not set: run `make bench-images`")
	}
	dir, err := os.MkdirTemp("", "etcdctr-bench-images-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	defer removeImages()
	project, three := filepath.Join(dir, "project"), filepath.Join(dir, "upstream")
	if err := errors.Join(projectFolder(project, etcdctr), upstreamFolder(three, filepath.Join(etcd, measure.Newest))); err != nil {
		return err
	}
	if err := compareTimes(ctx, rows, etcdctr, project); err != nil {
		return err
	}
	return compareSizes(ctx, rows, three)
}

// removeImages takes away what was made, whatever became of the run.
func removeImages() {
	_ = exec.Command("docker", "rmi", "--force", ours, theirs, upstream).Run()
}

// projectFolder is what `docker build` is given: the project's Dockerfile and
// the files that it takes.
func projectFolder(dir, etcdctr string) error {
	return copyFiles(dir, map[string]string{
		"Dockerfile":        "Dockerfile",
		"images/rootfs.tar": "images/rootfs.tar",

		filepath.Join(filepath.Dir(etcdctr), "etcd"): "bin/etcd",
	})
}

// upstreamFolder holds etcd's three programs and a Dockerfile for them.
func upstreamFolder(dir, programs string) error {
	files := map[string]string{}
	for _, name := range []string{"etcd", "etcdctl", "etcdutl"} {
		files[filepath.Join(programs, name)] = name
	}
	if err := copyFiles(dir, files); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644)
}

func copyFiles(dir string, files map[string]string) error {
	for from, to := range files {
		to = filepath.Join(dir, to)
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// compareTimes measures the way from the program to an image in the Engine: when
// neither knows anything of it, and when nothing has changed since.
func compareTimes(ctx context.Context, rows *measure.Rows, etcdctr, project string) error {
	build := []string{etcdctr, "image", "build", "--source", "self", "--tag", ours}
	docker := []string{"docker", "build", "--tag", theirs, project}
	cold, err := alternate(ctx,
		func() error { return forget(ctx) }, build,
		slices.Insert(slices.Clone(docker), 2, "--no-cache"))
	if err != nil {
		return err
	}
	if err := errors.Join(command(ctx, build), command(ctx, docker)); err != nil {
		return err
	}
	warm, err := alternate(ctx, func() error { return nil }, build, docker)
	if err != nil {
		return err
	}
	rows.Add(measure.Seconds("self to an image in the Engine, cold", rival, cold[0], cold[1]))
	rows.Add(measure.Seconds("self to an image in the Engine, nothing changed", rival, warm[0], warm[1]))
	return nil
}

const rival = "docker build"

// forget removes both images with their layers.
func forget(ctx context.Context) error {
	for _, ref := range []string{ours, theirs} {
		out, err := exec.CommandContext(ctx, "docker", "rmi", "--force", ref).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "No such image") {
			return fmt.Errorf("remove %s: %w\n%s", ref, err, out)
		}
	}
	return nil
}

// alternate runs both commands in turns and gives the median of each.
func alternate(ctx context.Context, before func() error, commands ...[]string) (medians [2]time.Duration, err error) {
	var sides []func(context.Context) (time.Duration, error)
	for _, c := range commands {
		timed := measure.Timed(func(ctx context.Context) error { return command(ctx, c) })
		sides = append(sides, func(ctx context.Context) (time.Duration, error) {
			if err := before(); err != nil {
				return 0, err
			}
			return timed(ctx)
		})
	}
	all, err := measure.InTurns(ctx, rounds, sides...)
	for i, took := range all {
		medians[i] = measure.Median(took)
	}
	return medians, err
}

func command(ctx context.Context, c []string) error {
	cmd := exec.CommandContext(ctx, c[0], c[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// compareSizes compares what the images take in the Engine, unpacked, and what
// they take on their way through a registry or in an archive, compressed.
func compareSizes(ctx context.Context, rows *measure.Rows, three string) error {
	if err := command(ctx, []string{"docker", "build", "--tag", upstream, three}); err != nil {
		return err
	}
	for _, size := range []struct {
		what string
		of   func(context.Context, string) (int64, error)
	}{
		{"size in the Engine", unpackedSize},
		{"size compressed", compressedSize},
	} {
		a, err := size.of(ctx, ours)
		if err != nil {
			return err
		}
		b, err := size.of(ctx, upstream)
		if err != nil {
			return err
		}
		rows.Add(measure.Row{What: size.what, Rival: "upstream's three programs", Unit: "MB", Ours: float64(a) / 1e6, Theirs: float64(b) / 1e6})
	}
	return nil
}

func unpackedSize(ctx context.Context, ref string) (int64, error) {
	out, err := exec.CommandContext(ctx, "docker", "image", "inspect", "--format", "{{.Size}}", ref).Output()
	if err != nil {
		return 0, fmt.Errorf("inspect %s: %w", ref, err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

func compressedSize(ctx context.Context, ref string) (int64, error) {
	out, err := exec.CommandContext(ctx, "sh", "-c", `docker save "$0" | gzip | wc -c`, ref).Output()
	if err != nil {
		return 0, fmt.Errorf("save %s: %w", ref, err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}
