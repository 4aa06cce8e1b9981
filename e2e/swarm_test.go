//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	etcdimages "github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/runtimetest"
	"github.com/etcdctr/etcdctr/runtime/swarm"
)

// A swarm of three of today's engines, each of them a manager, on the machines of
// machines_test.go.

var swarmLAN = addressing{server: "10.77.1.254", machine: "10.77.1.%d", length: "/24", config: todaysConfig}

// swarmBoot is boot of a machine with a name of its own, by which a swarm lists it.
const swarmBoot = `hostname "machine${0##*/}"
` + boot

// node is the name of a machine.
func node(i int) string { return fmt.Sprintf("machine%d", i+1) }

type swarmLab struct {
	t        *testing.T
	machines []*machine
}

// newSwarm joins three machines to a swarm. Each has the images.
func newSwarm(t *testing.T, images ...string) *swarmLab {
	t.Helper()
	useTodaysEngine(t)
	own := "unix:///var/run/docker.sock"
	n := newLAN(t, swarmLAN)
	n.boot = swarmBoot
	l := &swarmLab{t: t}
	for i := range 3 {
		l.machines = append(l.machines, n.addMachine(i+1))
	}
	first := l.machines[0]
	succeed(t, first.engine("swarm", "init", "--advertise-addr", first.address), "")
	token := strings.TrimSpace(succeed(t, first.engine("swarm", "join-token", "--quiet", "manager"), ""))
	for _, m := range l.machines[1:] {
		succeed(t, m.engine("swarm", "join", "--token", token, "--advertise-addr", m.address, first.address+":2377"), "")
	}
	for i, image := range images {
		archive := filepath.Join(t.TempDir(), fmt.Sprintf("image%d.tar", i))
		t.Setenv("DOCKER_HOST", own)
		run(t, "", "docker", "save", "--output", archive, image)
		for _, m := range l.machines {
			m.load(archive)
		}
	}
	l.use(first)
	return l
}

// use has the programs of the test ask a machine's engine.
func (l *swarmLab) use(m *machine) {
	l.t.Helper()
	l.t.Setenv("DOCKER_HOST", "unix://"+m.disk+"/engine.sock")
}

// place gives members their nodes, in turn.
func (l *swarmLab) place(s *cluster.Spec) {
	count := max(s.Members.Count, 3)
	if s.Members.Count > 0 {
		count = s.Members.Count
	}
	s.Runtime, s.Members = string(cluster.Swarm), cluster.Members{}
	for i := range count {
		s.Members.List = append(s.Members.List, cluster.MemberSpec{
			Name: fmt.Sprintf("etcd%d", i+1), Node: node(i % len(l.machines)),
		})
	}
}

// runtime is the swarm as another run of a program knows it.
func (l *swarmLab) runtime(t *testing.T, dir string, events func(runtime.Event)) *swarm.Runtime {
	t.Helper()
	engine, err := client.New(client.WithHost("unix://" + l.machines[0].disk + "/engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	self := etcdimages.Self{File: etcdctrBinary(t)}
	return swarm.New(swarm.Options{
		Engine: engine, Folder: dir, CertsDir: "certs", LockDir: dir, Events: events, Relay: []string{docker.RelayProgram},
		OwnImage: func(ctx context.Context) (string, error) { return docker.OwnImage(ctx, engine, self) },
	})
}

// each gives what the engines of all machines say, together.
func (l *swarmLab) each(args ...string) string {
	l.t.Helper()
	var all strings.Builder
	for _, m := range l.machines {
		all.WriteString(succeed(l.t, m.engine(args...), ""))
	}
	return all.String()
}

// TestContractOfRuntimeSwarm runs the suite of all runtimes on the swarm.
func TestContractOfRuntimeSwarm(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	l := newSwarm(t, image)
	dir := t.TempDir()
	runtimetest.Run(t, runtimetest.Fixture{
		Prefix: uniqueName(namePrefix) + "-",
		Runtime: func(t *testing.T, events func(runtime.Event)) runtime.Runtime {
			t.Helper()
			return l.runtime(t, dir, events)
		},
		Describe: func(s *cluster.Spec) { s.Image = image; l.place(s) },
		Spoil:    func(c *cluster.Cluster) { c.Image = "localhost/nowhere:v3.7.3" },
		Crash: func(t *testing.T, name, server string) {
			t.Helper()
			for _, m := range l.machines {
				for _, id := range strings.Fields(succeed(t, m.engine("ps", "--quiet", "--filter", "name="+name+"_"+server+"."), "")) {
					succeed(t, m.engine("kill", id), "")
				}
			}
			// Swarm hears of it from the node. Before, nobody can tell that it does not run.
			eventually(t, "the swarm knows that "+server+" has crashed", func() error {
				tasks := succeed(t, l.machines[0].engine("service", "ps", "--format", "{{.CurrentState}}", name+"_"+server), "")
				if strings.Contains(tasks, "Running") {
					return fmt.Errorf("its tasks are\n%s", tasks)
				}
				return nil
			})
		},
		Holds: func(t *testing.T, _, _, where string) bool {
			t.Helper()
			volume, host, _ := strings.Cut(strings.TrimPrefix(where, "the volume "), " on ")
			for i, m := range l.machines {
				if node(i) == host {
					folder := strings.TrimSpace(succeed(t, m.engine("volume", "inspect", "--format", "{{.Mountpoint}}", volume), ""))
					_, err := os.Stat(filepath.Join(folder, "data", "member", "wal"))
					return err == nil
				}
			}
			return false
		},
		Bystander: l.bystander,
	})
}

// bystander is an application in a stack of the cluster's name.
func (l *swarmLab) bystander(t *testing.T, name string) (untouched func() error) {
	t.Helper()
	m := l.machines[0]
	service := name + "_web"
	t.Cleanup(func() {
		if _, err := output(m.engine("service", "rm", service), ""); err != nil {
			t.Error(err)
		}
	})
	succeed(t, m.engine("service", "create", "--detach", "--name", service, "--label", "com.docker.stack.namespace="+name,
		"--constraint", "node.hostname=="+node(0), etcdImage(t, cluster.NewestMinor)), "")
	look := func() (string, error) {
		return output(m.engine("service", "inspect", "--format", "{{.ID}} {{json .Spec}}", service), "")
	}
	before, err := look()
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		now, err := look()
		if err == nil && now != before {
			t.Errorf("%s was %s and is %s", service, before, now)
		}
		return err
	}
}

// swarmed is a cluster on the lab's swarm, described in a folder.
type swarmed struct {
	*swarmLab
	name, dir string
	nodes     []int // by member: which machine
	image     string
	down      bool
}

func (l *swarmLab) cluster(image string, nodes ...int) *swarmed {
	l.t.Helper()
	s := &swarmed{swarmLab: l, name: uniqueName(namePrefix), dir: l.t.TempDir(), nodes: nodes, image: image}
	s.describe("")
	l.t.Cleanup(func() {
		if l.t.Failed() {
			l.t.Log(output(l.machines[0].engine("stack", "ps", "--no-trunc", s.name), ""))
		}
		if !s.down {
			s.takeDown()
		}
	})
	return s
}

// takeDown ends the cluster. Where power was cut this is no clean-up: machines that
// were started again end before those that were there first.
func (s *swarmed) takeDown() {
	s.t.Helper()
	s.down = true
	// A swarm may be choosing a leader.
	eventually(s.t, "the cluster to be taken down", func() error {
		// The test's own context may have ended by now.
		_, err := output(exec.Command(etcdctrBinary(s.t), "down", "--volumes", "--yes"), s.dir)
		return err
	})
}

// describe writes the cluster file, with more lines.
func (s *swarmed) describe(more string) {
	s.t.Helper()
	text := "name: " + s.name + "\nruntime: swarm\nimage: " + s.image + "\n" + more + "members:\n"
	for i, on := range s.nodes {
		text += fmt.Sprintf("  - {name: etcd%d, node: %s}\n", i+1, node(on))
	}
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), text)
}

func (s *swarmed) try(args ...string) (string, error) {
	return try(s.t, s.dir, etcdctrBinary(s.t), args...)
}

func (s *swarmed) do(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("etcdctr %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// tasks are those that run, by member, so that it is seen who was touched.
func (s *swarmed) tasks() string {
	s.t.Helper()
	return succeed(s.t, s.machines[0].engine("stack", "ps", "--quiet", "--filter", "desired-state=running", s.name), "")
}

// load begins to write through a way into the swarm.
func (s *swarmed) load() *load {
	s.t.Helper()
	found, err := etcdctr.New(etcdctr.Options{Folder: s.dir, Runtimes: []runtime.Runtime{s.runtime(s.t, s.dir, nil)}}).
		Find(s.t.Context(), cluster.Spec{Name: s.name, Runtime: string(cluster.Swarm)})
	if err != nil {
		s.t.Fatal(err)
	}
	way, err := found.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = way.Close() }) // its machine may have lost its power
	var endpoints []string
	for _, url := range way.URLs() {
		endpoints = append(endpoints, url)
	}
	return startLoad(s.t, clientv3.Config{
		Endpoints: endpoints, TLS: way.TLS,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return way.Way.Dial(ctx, "tcp", address)
		})},
	})
}

// healthy waits until all members serve, and tells how long that took.
func (s *swarmed) healthy(what string) {
	s.t.Helper()
	began := time.Now()
	eventually(s.t, what, func() error {
		_, err := s.try("health")
		return err
	})
	s.t.Logf("%s: healthy after %v", what, time.Since(began).Round(100*time.Millisecond))
}

// TestASwarmLivesItsLife changes a cluster on a swarm in all ways, under a writer.
func TestASwarmLivesItsLife(t *testing.T) {
	newest, older := etcdImage(t, cluster.NewestMinor), etcdImage(t, cluster.NewestMinor-1)
	s := newSwarm(t, newest, older).cluster(older, 0, 1, 2)
	s.do("up")
	tasks := s.tasks()
	s.do("up")
	if now := s.tasks(); now != tasks {
		t.Errorf("a second up has touched members:\n%swas\n%s", now, tasks)
	}
	for _, command := range []string{"ps", "health", "verify", "doctor", "ls"} {
		s.do(command)
	}
	if out := s.do("logs", "--tail", "1", "etcd2"); !strings.Contains(out, "etcd2") {
		t.Errorf("etcd2 has said %q", out)
	}
	if out := s.do("etcdctl", "put", "key", "value"); out != "OK\n" {
		t.Errorf("put: %q", out)
	}
	l := s.load()
	const setting = "snapshot-count: 5000\n"
	for _, x := range []struct {
		what   string
		change func()
	}{
		{"a setting", func() { s.describe(setting) }},
		{"five members", func() { s.nodes = []int{0, 1, 2, 0, 1}; s.describe(setting) }},
		{"three again", func() { s.nodes = []int{0, 1, 2}; s.describe(setting) }},
		{"a release", func() { s.image = newest; s.describe(setting) }},
		{"another node", func() { s.nodes = []int{0, 1, 1}; s.describe(setting) }},
		{"certificates", func() { s.do("certs", "renew") }},
	} {
		x.change()
		l.wantMore(50)
		s.do("up", "--volumes", "--yes")
		l.wantMore(50)
		s.healthy(x.what)
	}
	l.finish()
	if s.do("up", "--dry-run"); len(strings.Fields(s.each("secret", "ls", "--quiet"))) != 3*6 {
		t.Errorf("there are secrets that no member has: %s", s.each("secret", "ls"))
	}
	s.do("backup", "--output", filepath.Join(s.dir, "backup.tar"))
}

// TestASwarmLosesMachines cuts the power of one machine, of two and of all, and drains
// one.
func TestASwarmLosesMachines(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	l := s.load()
	l.wantMore(50)
	lost := s.machines[1]
	lost.cutPower()
	l.wantMore(500)
	eventually(t, "the lost node to be seen", func() error {
		out, err := s.try("ps")
		if err == nil && !strings.Contains(out, "pending") {
			err = fmt.Errorf("ps says\n%s", out)
		}
		return err
	})
	if _, err := s.try("health"); err == nil {
		t.Error("a cluster that has lost a machine is healthy")
	}
	lost.powerOn()
	s.healthy("one machine is back")
	succeed(t, s.machines[0].engine("node", "update", "--availability", "drain", node(2)), "")
	l.wantMore(200)
	succeed(t, s.machines[0].engine("node", "update", "--availability", "active", node(2)), "")
	s.healthy("a drained node takes tasks again")
	l.finish()
	for _, m := range s.machines {
		m.cutPower()
	}
	for _, m := range s.machines {
		m.powerOn()
	}
	s.healthy("all machines are back")
	// A write that nobody has acknowledged may be there too.
	out := s.do("etcdctl", "get", "--count-only", "--write-out", "fields", "--prefix", loadPrefix)
	var there int
	if found := regexp.MustCompile(`"Count" : (\d+)`).FindStringSubmatch(out); found != nil {
		there, _ = strconv.Atoi(found[1])
	}
	if there < len(l.acks) {
		t.Errorf("of %d acknowledged writes there are %d:\n%s", len(l.acks), there, out)
	}
	s.takeDown()
}

// TestAStackFileFormsACluster has the docker command deploy what compose prints, and up
// go on from there.
func TestAStackFileFormsACluster(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("compose", "--for", "swarm", "--output", "stack.yml")
	if out := s.deploy("stack.yml"); strings.Contains(out, "Ignoring") {
		t.Errorf("docker stack deploy says\n%s", out)
	}
	s.healthy("what docker stack deploy has made")
	s.do("etcdctl", "put", "key", "kept")
	s.do("up")
	if got := s.do("etcdctl", "get", "--print-value-only", "key"); got != "kept\n" {
		t.Errorf("the value is %q", got)
	}
	s.do("verify")
}

// deploy has the docker command make of a stack file what it says.
func (s *swarmed) deploy(file string) string {
	s.t.Helper()
	return succeed(s.t, s.machines[0].engine("stack", "deploy", "--detach=true", "--resolve-image", "never", "--compose-file", filepath.Join(s.dir, file), s.name), s.dir)
}
