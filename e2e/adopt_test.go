//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// theirs is a cluster that Docker Compose has started of a file that nobody here
// wrote, and the one of ours that adopts it.
type theirs struct {
	*stack
	minor int
}

// bitnamiImage has bitnami's layout and user: its data is in /bitnami/etcd/data,
// and belongs to 1001.
func bitnamiImage(t *testing.T, minor int) string {
	t.Helper()
	var programs []string
	for _, name := range []string{"etcd", "etcdctl"} {
		programs = append(programs, filepath.Join(os.Getenv(envEtcd), fmt.Sprintf("3.%d", minor), name))
	}
	return must(t, func() (string, error) {
		return build("bitnami/etcd:"+strings.TrimPrefix(cluster.KnownPatches[minor].String(), "v"), `FROM scratch
COPY --chown=1001:0 etcd etcdctl /opt/bitnami/etcd/bin/
COPY --chown=1001:0 Dockerfile /bitnami/etcd/
ENV PATH=/opt/bitnami/etcd/bin ETCD_DATA_DIR=/bitnami/etcd/data
USER 1001
ENTRYPOINT ["/opt/bitnami/etcd/bin/etcd"]
`, programs...)
	})
}

// newTheirs starts services of a Compose file, which %s in it is the image of.
func newTheirs(t *testing.T, minor int, image, file string) *theirs {
	t.Helper()
	s := &theirs{stack: newStack(t), minor: minor}
	s.ref = etcdImage(t, minor)
	ours := s.name + "-etcd"
	t.Cleanup(func() { // before the stack of theirs
		_, err := output(exec.Command("docker-compose", "--project-name", ours, "down", "--volumes", "--remove-orphans", "--timeout", "0"), os.TempDir())
		if err != nil {
			t.Errorf("%s is not removed: %v", ours, err)
		}
	})
	writeFile(t, filepath.Join(s.dir, "docker-compose.yml"), "name: "+s.name+"\n"+strings.ReplaceAll(file, "%s", image))
	s.compose("up", "--detach")
	return s
}

// bitnamiFile is a stack of three in the manner of bitnami's examples.
func bitnamiFile() string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range 3 {
		fmt.Fprintf(&b, `  etcd%[1]d:
    image: %%s
    restart: always
    environment:
      ALLOW_NONE_AUTHENTICATION: "yes"
      ETCD_NAME: etcd%[1]d
      ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379
      ETCD_ADVERTISE_CLIENT_URLS: http://etcd%[1]d:2379
      ETCD_LISTEN_PEER_URLS: http://0.0.0.0:2380
      ETCD_INITIAL_ADVERTISE_PEER_URLS: http://etcd%[1]d:2380
      ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380
      ETCD_INITIAL_CLUSTER_TOKEN: etcd-cluster
      ETCD_INITIAL_CLUSTER_STATE: new
    volumes: ["d%[1]d:/bitnami/etcd"]
`, i+1)
	}
	return b.String() + "volumes: {d1: {}, d2: {}, d3: {}}\n"
}

// plainFile is a stack of three with flags, whose members have other names than
// their hosts.
func plainFile() string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range 3 {
		fmt.Fprintf(&b, `  n%[1]d:
    image: %%s
    restart: unless-stopped
    command: >-
      etcd --name infra%[1]d --data-dir /data
      --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://n%[1]d:2379
      --listen-peer-urls http://0.0.0.0:2380 --initial-advertise-peer-urls http://n%[1]d:2380
      --initial-cluster infra0=http://n0:2380,infra1=http://n1:2380,infra2=http://n2:2380
    volumes: ["v%[1]d:/data"]
`, i)
	}
	return b.String() + "volumes: {v0: {}, v1: {}, v2: {}}\n"
}

// config is that of a client which knows members by the names of their containers,
// the old and the new ones.
func (s *theirs) config(containers ...string) clientv3.Config {
	return clientv3.Config{
		Endpoints: containers,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, container string) (net.Conn, error) {
			out, err := output(exec.CommandContext(ctx, "docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container), "")
			if err != nil {
				return nil, err
			}
			for _, ip := range strings.Fields(out) {
				return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(ip, "2379"))
			}
			return nil, fmt.Errorf("%s has no address", container)
		})},
	}
}

// old and ours are the containers.
func (s *theirs) old(services ...string) []string {
	var all []string
	for _, service := range services {
		all = append(all, s.name+"-"+service+"-1")
	}
	return all
}

func (s *theirs) ours(members ...string) []string {
	var all []string
	for _, m := range members {
		all = append(all, s.name+"-etcd-"+m+"-1")
	}
	return all
}

// holdings are what a cluster holds that has to be the same after it was adopted.
type holdings struct {
	Revision int64
	Keys     map[string][3]int64 // created, modified, version
	Values   map[string]string
	Leases   []clientv3.LeaseID
}

// fill writes some history, and a lease with a key.
func (s *theirs) fill(config clientv3.Config) holdings {
	s.t.Helper()
	c := loadClient(s.t, config)
	for n := range 30 {
		key := fmt.Sprintf("kept/%d", n%10)
		eventually(s.t, "a write", func() error { _, err := c.Put(s.t.Context(), key, fmt.Sprint(n)); return err })
	}
	lease, err := c.Grant(s.t.Context(), 100_000)
	if err == nil {
		_, err = c.Put(s.t.Context(), "kept/leased", "x", clientv3.WithLease(lease.ID))
	}
	if err == nil {
		_, err = c.Delete(s.t.Context(), "kept/3")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return s.holds(c)
}

func (s *theirs) holds(c *clientv3.Client) holdings {
	s.t.Helper()
	got, err := c.Get(s.t.Context(), "kept/", clientv3.WithPrefix())
	if err != nil {
		s.t.Fatal(err)
	}
	leases, err := c.Leases(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	held := holdings{Revision: got.Header.Revision, Keys: map[string][3]int64{}, Values: map[string]string{}}
	for _, kv := range got.Kvs {
		held.Keys[string(kv.Key)] = [3]int64{kv.CreateRevision, kv.ModRevision, kv.Version}
		held.Values[string(kv.Key)] = string(kv.Value)
	}
	for _, l := range leases.Leases {
		held.Leases = append(held.Leases, l.ID)
	}
	return held
}

// adopt runs the command in the folder of the stack.
func (s *theirs) adopt(args ...string) string {
	s.t.Helper()
	return run(s.t, s.dir, etcdctrBinary(s.t), append([]string{"adopt", "--progress", "quiet"}, args...)...)
}

func (s *theirs) program(args ...string) string {
	s.t.Helper()
	return run(s.t, s.dir, etcdctrBinary(s.t), args...)
}

// wantAdopted wants all that was held before in the cluster of ours, nothing left
// to do, and the old containers there and stopped.
func (s *theirs) wantAdopted(before holdings, moved bool, members []string, services ...string) {
	s.t.Helper()
	after := s.holds(loadClient(s.t, s.config(s.ours(members...)...)))
	if moved {
		before.Revision = after.Revision // others wrote meanwhile
	}
	if a, b := fmt.Sprint(before), fmt.Sprint(after); a != b {
		s.t.Errorf("before it held %s\nand now %s", a, b)
	}
	// etcd itself takes seconds to find that all members run another release.
	eventually(s.t, "nothing is left to do", func() error {
		if out := s.program("up", "--dry-run", "--format", "json"); strings.TrimSpace(out) != "[]" {
			return errors.New(out)
		}
		return nil
	})
	s.wantOldStopped(services...)
	if left := run(s.t, s.dir, "docker", "ps", "--all", "--filter", "label=com.docker.compose.project="+s.name+"-etcd", "--filter", "label=com.docker.compose.oneoff=True", "--quiet"); left != "" {
		s.t.Errorf("what was killed has left containers: %s", left)
	}
	if file, err := os.ReadFile(filepath.Join(s.dir, "etcdctr.yaml")); err != nil || strings.Contains(string(file), "adopts") {
		s.t.Errorf("the cluster file still adopts: %s, %v", file, err)
	}
}

func (s *theirs) wantOldStopped(services ...string) {
	s.t.Helper()
	for _, name := range s.old(services...) {
		state := run(s.t, s.dir, "docker", "inspect", "--format", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", name+".adopted")
		if strings.TrimSpace(state) != "exited no" {
			s.t.Errorf("%s is %s", name, state)
		}
	}
}

// TestAdoptOfBitnamisStackKeepsWhatItHoldsAndServesMeanwhile does what
// docs/adopt.md shows.
func TestAdoptOfBitnamisStackKeepsWhatItHoldsAndServesMeanwhile(t *testing.T) {
	s := newTheirs(t, 6, bitnamiImage(t, 6), bitnamiFile())
	names := []string{"etcd1", "etcd2", "etcd3"}
	config := s.config(append(s.old(names...), s.ours(names...)...)...)
	before := s.fill(config)
	load := startLoadOf(t, config, requestTimeout)
	load.wantMore(settledWrites)

	plan := s.adopt("--dry-run", "--image", s.ref, s.name)
	for _, want := range []string{"each member goes on with its data", "client-no-tls", "adopts: " + s.name} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan has no %q:\n%s", want, plan)
		}
	}
	if strings.Contains(plan, "authentication-none") {
		t.Errorf("the plan has a finding that adopting puts right:\n%s", plan)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "etcdctr.yaml")); err == nil {
		t.Error("--dry-run has written the cluster file")
	}
	s.adopt("--yes", "--image", s.ref, s.name)
	load.wantMore(settledWrites)
	load.finish()
	s.wantAdopted(before, true, names, names...)

	s.program("adopt", "--forget-old", "--yes", s.name)
	left := run(t, s.dir, "docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+s.name) +
		run(t, s.dir, "docker", "volume", "ls", "--quiet", "--filter", "label=com.docker.compose.project="+s.name)
	if left != "" {
		t.Errorf("of what was adopted there is still %s", left)
	}
}

// TestAdoptOfOtherNamesHasMembersJoinAndIsKilledEverywhere kills it again and again.
func TestAdoptOfOtherNamesHasMembersJoinAndIsKilledEverywhere(t *testing.T) {
	s := newTheirs(t, 5, etcdImage(t, 5), plainFile())
	old, names := []string{"n0", "n1", "n2"}, []string{"etcd1", "etcd2", "etcd3"}
	config := s.config(append(s.old(old...), s.ours(names...)...)...)
	before := s.fill(config)
	load := startLoadOf(t, config, requestTimeout)
	load.wantMore(settledWrites)
	kills := 0
	for s.killed("--yes", "--image", s.ref, s.name) {
		if kills++; kills == mostAdoptKills {
			break
		}
	}
	if kills < mostAdoptKills {
		t.Errorf("it was killed %d times only", kills)
	}
	s.adopt("--yes", "--image", s.ref)
	load.wantMore(settledWrites)
	load.finish()
	s.wantAdopted(before, true, names, old...)
}

// mostAdoptKills is how often an adoption is killed, each time at a later step.
const mostAdoptKills = 8

// killed runs an adoption until it has taken one of adoptKillsAt, and kills it
// then; false if it has come to its end.
func (s *theirs) killed(args ...string) bool {
	s.t.Helper()
	return s.killedOnce(func(is progressLine) bool { return slices.Contains(adoptKillsAt, is.Action) && is.Done }, args...)
}

// killedOnce kills an adoption once it tells of what it is to be killed at; false if
// it has come to its end before.
func (s *theirs) killedOnce(at func(progressLine) bool, args ...string) bool {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(s.dir, "etcdctr.yaml")); err == nil {
		args = slices.DeleteFunc(args, func(a string) bool { return a == s.name })
	}
	cmd := exec.CommandContext(s.t.Context(), etcdctrBinary(s.t), append([]string{"adopt", "--progress", "json"}, args...)...)
	cmd.Dir = s.dir
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	sent, last := false, ""
	for lines := bufio.NewScanner(said); lines.Scan(); last = lines.Text() {
		var is progressLine
		if json.Unmarshal(lines.Bytes(), &is) != nil || sent || !at(is) {
			continue
		}
		sent = cmd.Process.Signal(syscall.SIGKILL) == nil
		s.t.Logf("killed at %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil && !sent {
		s.t.Fatalf("adopt %v: %v: %s", args, err, last)
	}
	return sent
}

// adoptKillsAt are the steps after which an adoption is killed.
var adoptKillsAt = []string{"add learner", "join", "promote", "remove member", "stop"}

// TestAdoptOfWhatIsStoppedCopiesTheMemberThatKnowsMost adopts members with other
// names, after they were killed, so that their databases lack what their logs have.
func TestAdoptOfWhatIsStoppedCopiesTheMemberThatKnowsMost(t *testing.T) {
	s := newTheirs(t, 6, etcdImage(t, 6), plainFile())
	old, names := []string{"n0", "n1", "n2"}, []string{"etcd1", "etcd2", "etcd3"}
	before := s.fill(s.config(s.old(old...)...))
	s.compose("kill")
	plan := s.adopt("--dry-run", s.name)
	for _, want := range []string{"new ones are made of their data: no member runs", "image: " + s.ref} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan has no %q:\n%s", want, plan)
		}
	}
	s.adopt("--yes", s.name) // without a registry
	s.wantAdopted(before, false, names, old...)
}

// TestAdoptOfOneMemberWithAFolderOfTheHost adopts one that has default settings
// and that nobody reaches, by its Compose file.
func TestAdoptOfOneMemberWithAFolderOfTheHost(t *testing.T) {
	data := t.TempDir()
	s := newTheirs(t, cluster.NewestMinor, etcdImage(t, cluster.NewestMinor), `services:
  kv:
    image: %s
    command: [etcd, --data-dir=/data, "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://kv:2379"]
    volumes: ["`+data+`:/data"]
    mem_limit: 256m
`)
	before := s.fill(s.config(s.old("kv")...))
	if plan := s.adopt("--dry-run", "--image", s.ref, "."); !strings.Contains(plan, "mem_limit") {
		t.Errorf("the plan does not say what the successor is not given:\n%s", plan)
	}
	health := s.withFile("adopts: " + s.name + "\nname: " + s.name + "-etcd\nruntime: docker\nmembers: [default]\ntls: none\nimage: " + s.ref + "\n")
	if !strings.Contains(health, "default") {
		t.Errorf("health of what is described and not adopted tells %s", health)
	}
	if err := os.Remove(filepath.Join(s.dir, "etcdctr.yaml")); err != nil {
		t.Fatal(err)
	}
	load := startLoadOf(t, s.config(append(s.old("kv"), s.ours("default")...)...), requestTimeout)
	load.wantMore(settledWrites)
	s.adopt("--yes", "--image", s.ref, ".")
	load.wantMore(settledWrites)
	load.finish()
	s.wantAdopted(before, true, []string{"default"}, "kv")
	s.wantRevivedToldOf(s.old("kv")[0] + ".adopted")
	if out := s.program("adopt", "--forget-old", "--yes", s.name); out != "" {
		t.Error(out)
	}
	if _, err := os.Stat(filepath.Join(data, "member")); err != nil {
		t.Errorf("the folder of the host is gone: %v", err)
	}
}

// wantRevivedToldOf starts an old container again, as something may that knows nothing of the
// adoption: it serves as before, and health and the doctor tell of it, and what stops it.
func (s *theirs) wantRevivedToldOf(container string) {
	s.t.Helper()
	told := func(verb string) string {
		s.t.Helper()
		cmd := exec.Command(etcdctrBinary(s.t), verb)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			s.t.Errorf("%s: %v\n%s", verb, err, out)
		}
		return string(out)
	}
	verbs := []string{"health", "doctor"}
	run(s.t, s.dir, "docker", "start", container)
	stop := ""
	for _, verb := range verbs {
		said := told(verb)
		_, after, _ := strings.Cut(said, "was adopted and runs again")
		_, after, _ = strings.Cut(after, "`")
		found := false
		stop, _, found = strings.Cut(after, "`")
		if !found || !strings.Contains(said, container) {
			s.t.Fatalf("%s does not tell of %s:\n%s", verb, container, said)
		}
	}
	words := strings.Fields(stop)
	run(s.t, s.dir, words[0], words[1:]...)
	for _, verb := range verbs {
		if said := told(verb); strings.Contains(said, "runs again") {
			s.t.Errorf("after `%s` %s says\n%s", stop, verb, said)
		}
	}
}

// withFile has a cluster file tried out by health and a backup.
func (s *theirs) withFile(text string) string {
	s.t.Helper()
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), text)
	s.program("backup", "--output", s.t.TempDir(), "--progress", "quiet")
	return s.program("health")
}

// TestAdoptWithTLSInterruptsAndSaysSo.
func TestAdoptWithTLSInterruptsAndSaysSo(t *testing.T) {
	s := newTheirs(t, cluster.NewestMinor, bitnamiImage(t, cluster.NewestMinor), bitnamiFile())
	names := []string{"etcd1", "etcd2", "etcd3"}
	before := s.fill(s.config(s.old(names...)...))
	plan := s.adopt("--dry-run", "--tls", "mutual", "--image", s.ref, s.name)
	if !strings.Contains(plan, "no request is answered") || !strings.Contains(plan, "tls: mutual is wanted") {
		t.Errorf("the plan does not say that it interrupts:\n%s", plan)
	}
	s.adopt("--yes", "--tls", "mutual", "--image", s.ref, s.name)
	config := s.config(s.ours(names...)...)
	config.TLS = s.clientTLS("clients/root")
	config.TLS.ServerName = "localhost"
	if a, b := fmt.Sprint(before), fmt.Sprint(s.holds(loadClient(t, config))); a != b {
		t.Errorf("before it held %s\nand now %s", a, b)
	}
	s.wantOldStopped(names...)
}

// TestAdoptOfProcessesHasMembersJoin adopts three processes of this machine by
// their folders.
func TestAdoptOfProcessesHasMembersJoin(t *testing.T) {
	s := &theirs{stack: &stack{t: t, dir: t.TempDir()}, minor: 7}
	var dirs, endpoints, initial, peers, clients []string
	for i := range 3 {
		peers = append(peers, "http://"+etcdtest.FreeAddress(t, "127.0.0.1"))
		clients = append(clients, "http://"+etcdtest.FreeAddress(t, "127.0.0.1"))
		initial = append(initial, fmt.Sprintf("infra%d=%s", i, peers[i]))
	}
	for i := range 3 {
		dir := filepath.Join(s.dir, fmt.Sprintf("infra%d.etcd", i))
		dirs, endpoints = append(dirs, dir), append(endpoints, clients[i])
		etcdtest.StartProgram(t, etcdBinary(t, cluster.NewestMinor, "etcd"), nil, fmt.Sprintf("--name=infra%d", i), "--data-dir="+dir,
			"--listen-client-urls="+clients[i], "--advertise-client-urls="+clients[i], "--listen-peer-urls="+peers[i],
			"--initial-advertise-peer-urls="+peers[i], "--initial-cluster="+strings.Join(initial, ","))
	}
	before := s.fill(clientv3.Config{Endpoints: endpoints})
	t.Cleanup(func() {
		_, err := output(exec.Command(etcdctrBinary(t), "down", "--volumes", "--yes", "--name", "adopted"), s.dir)
		if err != nil {
			t.Error(err)
		}
	})
	s.adopt(append([]string{"--yes", "--name", "adopted"}, dirs...)...)
	var report struct{ Members []struct{ Name string } }
	decode(t, s.program("health", "--format", "json"), &report)
	if len(report.Members) != 3 || report.Members[0].Name != "etcd1" {
		t.Errorf("the members are %v", report.Members)
	}
	way := s.connect("--name", "adopted")
	after := s.holds(loadClient(t, clientv3.Config{Endpoints: strings.Split(way.env["ETCDCTL_ENDPOINTS"], ",")}))
	way.interrupt(t)
	if a, b := fmt.Sprint(before), fmt.Sprint(after); a != b {
		t.Errorf("before it held %s\nand now %s", a, b)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "adopted-by-etcdctr")); err != nil {
			t.Error(err)
		}
	}
}
