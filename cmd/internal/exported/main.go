// Command exported writes the tables of etcd's metrics that package monitoring goes
// by, one for each minor, read from the real programs. `make metrics` runs it. Its
// arguments are folders with an etcd.
//
// What a program exports depends on its settings and on what has happened to it. So
// three members are started with `--metrics basic`, asked at once, put to work, and
// asked again; then the same with extensive.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func main() {
	out := flag.String("out", "monitoring/releases", "folder of the tables")
	flag.Parse()
	for _, dir := range flag.Args() {
		if err := write(context.Background(), *out, filepath.Join(dir, "etcd")); err != nil {
			fmt.Fprintln(os.Stderr, "exported:", err)
			os.Exit(1)
		}
	}
}

// metric is one that a release exports.
type metric struct {
	name, kind string
	labels     []string
	when       string // empty: always; later: once something has happened; extensive: with that setting
}

func write(ctx context.Context, out, program string) error {
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", program, err)
	}
	first, _, _ := strings.Cut(string(version), "\n")
	release := strings.TrimPrefix(first, "etcd Version: ")
	minor := release[:strings.LastIndex(release, ".")]
	all := map[string]metric{}
	for _, mode := range []string{"basic", "extensive"} {
		fresh, used, err := observe(ctx, program, mode)
		if err != nil {
			return fmt.Errorf("etcd %s, %s: %w", release, mode, err)
		}
		for name, m := range used {
			if _, known := all[name]; known {
				continue
			}
			switch _, early := fresh[name]; {
			case mode == "extensive":
				m.when = mode
			case !early:
				m.when = "later"
			}
			all[name] = m
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Metrics of etcd %s, read from the program by `make metrics`: name, type, labels, and when they are there unless always\n", release)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", m.name, m.kind, strings.Join(m.labels, ","), m.when)
	}
	return os.WriteFile(filepath.Join(out, minor+".tsv"), []byte(b.String()), 0o644) //nolint:gosec // a table of the source
}

// observe tells what members export when they have just met, and after they have
// worked.
func observe(ctx context.Context, program, mode string) (fresh, used map[string]metric, err error) {
	dir, err := os.MkdirTemp("", "etcdctr-metrics-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	c := trio{program: program, mode: mode, dir: dir}
	defer c.stop()
	if err := c.start(ctx); err != nil {
		return nil, nil, err
	}
	time.Sleep(settling)
	if fresh, err = c.scrape(ctx); err != nil {
		return nil, nil, err
	}
	if err := c.work(ctx); err != nil {
		return nil, nil, err
	}
	used, err = c.scrape(ctx)
	return fresh, used, err
}

// settling is how long members take to have asked each other for everything that
// they do regularly, such as how long a round trip takes: every five seconds.
const settling = 7 * time.Second

// trio is a cluster of three.
type trio struct {
	program, mode, dir string
	clients, peers     []string
	members            []*exec.Cmd
}

func (c *trio) start(ctx context.Context) error {
	var initial []string
	for i := range 3 {
		client, errClient := freeURL(ctx)
		peer, errPeer := freeURL(ctx)
		if err := errors.Join(errClient, errPeer); err != nil {
			return err
		}
		c.clients, c.peers = append(c.clients, client), append(c.peers, peer)
		initial = append(initial, fmt.Sprintf("m%d=%s", i, peer))
	}
	for i := range 3 {
		m := exec.CommandContext(ctx, c.program, "--name", fmt.Sprint("m", i), "--data-dir", filepath.Join(c.dir, fmt.Sprint(i)),
			"--listen-client-urls", c.clients[i], "--advertise-client-urls", c.clients[i],
			"--listen-peer-urls", c.peers[i], "--initial-advertise-peer-urls", c.peers[i],
			"--initial-cluster", strings.Join(initial, ","), "--metrics", c.mode, "--log-level", "error")
		m.Stderr = os.Stderr
		if err := m.Start(); err != nil {
			return err
		}
		c.members = append(c.members, m)
	}
	etcd, err := c.client(c.clients[2:]) // one whose metrics nobody reads
	if err != nil {
		return err
	}
	defer etcd.Close()
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err := etcd.Get(try, "ready")
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (*trio) client(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}

func (c *trio) stop() {
	for _, m := range c.members {
		_ = m.Process.Kill()
		_ = m.Wait() // killed
	}
}

// work has the members do what they can, and ends by killing one of them.
func (c *trio) work(ctx context.Context) error {
	etcd, err := c.client(c.clients[:1])
	if err != nil {
		return err
	}
	defer etcd.Close()
	watching, done := context.WithCancel(ctx)
	defer done()
	events := etcd.Watch(watching, "k", clientv3.WithPrefix())
	lease, err := etcd.Grant(ctx, 5)
	if err != nil {
		return err
	}
	_, errAlive := etcd.KeepAliveOnce(ctx, lease.ID)
	put, errPut := etcd.Put(ctx, "k1", "v", clientv3.WithLease(lease.ID))
	_, errTxn := etcd.Txn(ctx).Then(clientv3.OpPut("k2", "v"), clientv3.OpGet("k1")).Commit()
	_, errGet := etcd.Get(ctx, "k", clientv3.WithPrefix())
	_, errSerial := etcd.Get(ctx, "k1", clientv3.WithSerializable())
	_, errDelete := etcd.Delete(ctx, "k2")
	<-events
	if err := errors.Join(errAlive, errPut, errTxn, errGet, errSerial, errDelete); err != nil {
		return err
	}
	_, errRevoke := etcd.Revoke(ctx, lease.ID)
	_, errCompact := etcd.Compact(ctx, put.Header.Revision, clientv3.WithCompactPhysical())
	_, errDefrag := etcd.Defragment(ctx, c.clients[0])
	_, errHash := etcd.HashKV(ctx, c.clients[0], 0)
	snapshot, errSnapshot := etcd.Snapshot(ctx)
	if err := errors.Join(errRevoke, errCompact, errDefrag, errHash, errSnapshot); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, snapshot); err != nil {
		return err
	}
	if err := c.members[2].Process.Kill(); err != nil {
		return err
	}
	for range 20 { // those that stay notice that they can't reach it, and elect another if it led
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, _ = etcd.Put(try, "k3", "v")
		cancel()
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

// scrape gathers what the first two members export: a leader has what a follower
// has not.
func (c *trio) scrape(ctx context.Context) (map[string]metric, error) {
	all := map[string]metric{}
	for _, url := range c.clients[:2] {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		err = parse(answer.Body, all)
		answer.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// parse reads the text format. What is only declared, without a sample, does not
// count: nobody can draw it.
func parse(text io.Reader, all map[string]metric) error {
	var now metric
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		if declared, ok := strings.CutPrefix(line, "# TYPE "); ok {
			now = metric{}
			now.name, now.kind, _ = strings.Cut(declared, " ")
			continue
		}
		if strings.HasPrefix(line, "#") || !strings.HasPrefix(line, now.name) {
			continue
		}
		m := cmp.Or(all[now.name].name, now.name)
		all[m] = metric{name: now.name, kind: now.kind, labels: union(all[m].labels, labels(line))}
	}
	return lines.Err()
}

// labels are those of a sample, without the one that makes a histogram.
func labels(sample string) []string {
	_, rest, ok := strings.Cut(sample, "{")
	if !ok {
		return nil
	}
	var names []string
	for part := range strings.SplitSeq(rest, `",`) {
		if name, _, ok := strings.Cut(part, `="`); ok && name != "le" && name != "quantile" {
			names = append(names, name)
		}
	}
	return names
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// freeURL is an address on loopback that nobody has.
func freeURL(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "http://" + l.Addr().String(), l.Close()
}
