// Command daytwo compares what `etcdctr up` does to a running cluster with the
// same typed by hand into a script of etcdctl and Docker Compose: from three to five
// members, from etcd 3.6 to 3.7, and another setting; and with Compose's stop. The cluster is in use all the while, by watches
// and kept leases, for which etcd left to itself waits seven seconds at every stop.
// A setting of members that nobody uses is compared with `docker compose up --detach`,
// which exchanges all at once, and so is the longest time that it leaves clients without a write.
//
// The script is what etcd's own pages tell: a member joins as a learner, and a
// release is rolled one member at a time, each while the others are healthy.
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
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// How often each is measured; odd, so that there is a median. Where etcd waits as long as
// it does for watches, once tells enough.
const rounds, once = 3, 1

// project is the name of everything that is made.
const project = "etcdctr-bench-daytwo"

func main() { measure.Main("daytwo", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.clean()
	for _, c := range []change{
		{"from 3 to 5 members", measure.Newest, append(b.upTo(measure.Newest), "--file", "five.yaml"), byHand, growing(), 0.5, rounds},
		{"from " + measure.Before + " to " + measure.Newest + ", three members", measure.Before, b.upTo(measure.Newest), byHand, rolling, 0.6, once},
		{"a setting of three members", measure.Newest, append(b.upTo(measure.Newest), "--file", "reset.yaml"), byHand, resetting, 0, once},
		{"stop of three members", measure.Newest, []string{b.etcdctr, "stop"}, "docker compose", "docker-compose stop\n", 0.25, once},
	} {
		ours, theirs, err := b.compare(ctx, c)
		if err != nil {
			return err
		}
		rows.Add(measure.Seconds(c.name+", in use", c.rival, ours, theirs).Want(c.wanted))
	}
	return b.idle(ctx, rows)
}

const byHand = "by hand"

// change is what becomes of a cluster of three.
type change struct {
	name   string
	from   string   // the release that it runs
	ours   []string // a command
	rival  string   // what the script is
	theirs string   // a script
	wanted float64  // as ratio
	rounds int
}

// growing is the script by which members join. A step that etcd refuses for the
// moment is tried again.
func growing() string {
	script := ""
	for n := 4; n <= 5; n++ {
		script += fmt.Sprintf(`
until added=$(docker-compose exec -T etcd1 etcdctl member add etcd%[1]d --learner --peer-urls=https://etcd%[1]d:2380); do sleep 1; done
id=$(echo "$added" | sed -n 's/^Member *\([0-9a-f]*\) added.*/\1/p')
docker-compose -f five.yml -f join%[1]d.yml up --detach --no-deps etcd%[1]d
until docker-compose exec -T etcd1 etcdctl member promote $id; do sleep 1; done
until docker-compose -f five.yml exec -T etcd%[1]d etcdctl endpoint health; do sleep 1; done
`, n)
	}
	return script
}

// one member at a time, each while all are healthy.
func oneByOne(file string) string {
	return strings.ReplaceAll(`
for n in 1 2 3; do
  docker-compose -f FILE up --detach --no-deps --wait etcd$n
  until docker-compose -f FILE exec -T etcd$n etcdctl endpoint health --cluster; do sleep 1; done
done
`, "FILE", file)
}

var rolling, resetting = oneByOne("newer.yml"), oneByOne("reset.yml")

type bench struct {
	etcdctr, dir string
	ports        []string
}

func newBench(ctx context.Context) (*bench, error) {
	b := &bench{etcdctr: os.Getenv("BENCH_BIN"), ports: []string{"23379", "23479", "23579"}}
	etcd := os.Getenv("BENCH_ETCD")
	if b.etcdctr == "" || etcd == "" {
		return nil, errors.New("BENCH_BIN and BENCH_ETCD are not set: run `make bench-daytwo`")
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		return nil, fmt.Errorf("the rival is not there: %w: run `make bench-daytwo`", err)
	}
	var err error
	if b.dir, err = os.MkdirTemp("", project+"-"); err != nil {
		return nil, err
	}
	for _, release := range releases {
		err = errors.Join(err, b.do(ctx, b.etcdctr, "image", "build", "--progress", "quiet",
			"--source", "dir", "--dir", filepath.Join(etcd, release), "--tag", image(release)))
	}
	if err := errors.Join(err, b.describe(ctx)); err != nil {
		b.clean()
		return nil, err
	}
	return b, nil
}

var releases = []string{measure.Before, measure.Newest}

func image(release string) string { return project + ":" + release }

// upTo is the command that makes a release run.
func (b *bench) upTo(release string) []string {
	return []string{b.etcdctr, "up", "--etcd", release, "--image", image(release)}
}

// describe writes the cluster file and the Compose files of the script, and with
// them all certificates that either side needs.
func (b *bench) describe(ctx context.Context) error {
	file := "name: " + project + "\npublish: loopback\nmembers:\n"
	for i, port := range b.ports {
		file += fmt.Sprintf("  - {name: etcd%d, client-port: %s}\n", i+1, port)
	}
	five := file + "  - {name: etcd4}\n  - {name: etcd5}\n"
	reset := file + "snapshot-count: 9000\n"
	for name, text := range map[string]string{"etcdctr.yaml": file, "five.yaml": five, "reset.yaml": reset, "join4.yml": joining(4), "join5.yml": joining(5)} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return errors.Join(
		b.do(ctx, b.etcdctr, "compose", "--etcd", measure.Newest, "--image", image(measure.Newest), "--output", "newer.yml"),
		b.do(ctx, b.etcdctr, "compose", "--file", "reset.yaml", "--etcd", measure.Newest, "--image", image(measure.Newest), "--output", "reset.yml"),
		b.do(ctx, b.etcdctr, "compose", "--file", "five.yaml", "--etcd", measure.Newest, "--image", image(measure.Newest), "--output", "five.yml"),
	)
}

// joining is what a Compose file has to say otherwise of a member that joins.
func joining(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("etcd%[1]d=https://etcd%[1]d:2380", i+1))
	}
	return fmt.Sprintf("services: {etcd%d: {environment: {ETCD_INITIAL_CLUSTER_STATE: existing, ETCD_INITIAL_CLUSTER: %q}}}\n", n, strings.Join(all, ","))
}

// clean removes everything, also after Ctrl-C.
func (b *bench) clean() {
	ctx := context.Background()
	err := b.down(ctx)
	for _, release := range releases {
		err = errors.Join(err, b.do(ctx, "docker", "rmi", "--force", image(release)))
	}
	if err := errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench/daytwo:", err)
	}
}

func (b *bench) down(ctx context.Context) error {
	return b.do(ctx, b.etcdctr, "down", "--name", project, "--volumes", "--yes", "--progress", "quiet")
}

func (b *bench) do(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+project)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// compare measures both alternately and returns the medians.
func (b *bench) compare(ctx context.Context, c change) (ours, theirs time.Duration, err error) {
	if err := os.WriteFile(filepath.Join(b.dir, "change.sh"), []byte("set -e\n"+c.theirs), 0o600); err != nil {
		return 0, 0, err
	}
	return measure.Medians(ctx, c.rounds,
		func(ctx context.Context) (time.Duration, error) { return b.changed(ctx, c.from, b.use, c.ours) },
		func(ctx context.Context) (time.Duration, error) {
			return b.changed(ctx, c.from, b.use, []string{"sh", "change.sh"})
		})
}

// settle lets a cluster grow older than the 5 s for which all members have to have been
// connected before etcd adds one: no cluster that is in use is as young, and both sides
// would only measure how long they wait for that.
func settle(ctx context.Context) error {
	const young = 6 * time.Second
	select {
	case <-time.After(young):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// changed has a cluster of three changed, beside what uses it.
func (b *bench) changed(ctx context.Context, from string, use func(context.Context) (end func(), err error), by []string) (took time.Duration, err error) {
	defer func() { err = errors.Join(err, b.down(context.WithoutCancel(ctx))) }()
	up := b.upTo(from)
	err = errors.Join(
		b.do(ctx, b.etcdctr, "compose", "--etcd", from, "--image", image(from), "--output", "docker-compose.yml"),
		b.do(ctx, up[0], up[1:]...),
	)
	if err != nil {
		return 0, err
	}
	end, err := use(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := settle(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	err = b.do(ctx, by[0], by[1:]...)
	return time.Since(began), err
}
