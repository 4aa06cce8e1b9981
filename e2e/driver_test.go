//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// What `etcdctr up` and the commands around it do to a real engine.

// containers are the IDs of the stack's containers by service.
func (s *stack) containers() map[string]string {
	s.t.Helper()
	list := run(s.t, s.dir, "docker", "ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project="+s.name,
		"--format", `{{.Label "com.docker.compose.service"}} {{.ID}}`)
	ids := map[string]string{}
	for line := range strings.Lines(list) {
		service, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		ids[service] = id
	}
	return ids
}

// wantUntouched wants the containers to be those that they were.
func (s *stack) wantUntouched(before map[string]string, what string) {
	s.t.Helper()
	if diff := cmp.Diff(before, s.containers()); diff != "" {
		s.t.Errorf("containers after %s (-want +got):\n%s", what, diff)
	}
}

// wantServing reads through etcdctl beside a member, from the whole cluster.
func (s *stack) wantServing() {
	s.t.Helper()
	s.etcdctr("exec", "etcd1", "--", "etcdctl", "endpoint", "health", "--cluster")
}

func (s *stack) wantNothingLeft() {
	s.t.Helper()
	if err := nothingLeft(s.name); err != nil {
		s.t.Error(err)
	}
}

// publish writes a cluster file with three members whose client ports are
// published on free ports, or on those of the endpoints, and more. It gives the
// endpoints.
func (s *stack) publish(more string, endpoints ...string) []string {
	s.t.Helper()
	file := more + "publish: loopback\nmembers:\n"
	for i := range 3 {
		if len(endpoints) <= i {
			endpoints = append(endpoints, "https://"+etcdtest.FreeAddress(s.t, "127.0.0.1"))
		}
		port := endpoints[i][strings.LastIndexByte(endpoints[i], ':')+1:]
		file += fmt.Sprintf("- {name: etcd%d, client-port: %q}\n", i+1, port)
	}
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), file)
	return endpoints
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error is %v, want something with %q", err, w)
		}
	}
}

func wantExitCode(t *testing.T, err error, want int) {
	t.Helper()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		t.Errorf("it ended with %v, want exit code %d", err, want)
	}
}

func TestSmokeUpAndComposeLeaveEachOthersStackAlone(t *testing.T) {
	s := newStack(t)
	s.publish("")
	s.shareWithCompose()
}

// shareWithCompose has both programs work on the stack by turns.
func (s *stack) shareWithCompose() {
	s.t.Helper()
	s.generate()
	s.etcdctr("up")
	ours := s.containers()
	s.etcdctr("up")
	s.wantUntouched(ours, "a second up")
	s.compose("up", "--detach", "--wait")
	s.wantUntouched(ours, "docker compose up after etcdctr up")
	if out := s.compose("ps", "--format", "{{.Service}}"); len(strings.Fields(out)) != 3 {
		s.t.Errorf("docker compose ps shows %q", out)
	}
	s.compose("stop")
	s.etcdctr("start")
	s.compose("down", "--volumes")
	s.wantNothingLeft()

	s.compose("up", "--detach", "--wait")
	theirs := s.containers()
	_, err := s.tryEtcdctr("up") // all there was is gone, and Compose does not say so
	wantExitCode(s.t, err, 1)
	wantError(s.t, err, "is not the cluster that has served before")
	s.etcdctr("up")
	s.etcdctr("up", "--file-compose", "docker-compose.yml")
	s.wantUntouched(theirs, "etcdctr up after docker compose up")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

func TestStoppedAndTakenDownStacksKeepTheirData(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	s.etcdctr("exec", "etcd1", "--", "etcdctl", "put", "name", "kept")
	for _, pause := range []func(){
		func() { s.etcdctr("stop"); s.etcdctr("start") },
		func() { s.etcdctr("down"); s.etcdctr("up") },
		func() { s.etcdctr("restart") },
		func() { s.etcdctr("stop", "etcd2"); s.etcdctr("start", "etcd2") },
	} {
		pause()
		if got := s.etcdctr("exec", "etcd2", "--", "etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
			t.Errorf("the value is %q, want kept", got)
		}
	}
}

// What flags gave outlives the containers that say so, and nothing else does.
func TestATakenDownStackComesBackAsItWasStarted(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--members", "1", "--tls", "none")
	s.etcdctr("etcdctl", "put", "key", "value")
	s.etcdctr("down")
	if steps := s.etcdctr("up", "--dry-run"); strings.Contains(steps, "etcd2") {
		t.Errorf("another cluster would be started:\n%s", steps)
	}
	s.etcdctr("up")
	if got := s.etcdctr("etcdctl", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("the value is %q", got)
	}
	if n := len(s.containers()); n != 1 {
		t.Errorf("%d members are there", n)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "certs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("certificates were made for a cluster without TLS: %v", err)
	}
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// A leader that hands over to a member that is stopping too waits for it in vain.
func TestALeaderThatIsStoppedLastHandsOverToNobody(t *testing.T) {
	s := newStack(t)
	for range 5 { // right after a first start members know the least of each other
		s.etcdctr("up")
		s.etcdctr("stop")
		logs := s.etcdctr("logs", "--raw")
		// Whether each has closed by the end of its grace, the machine has a say in.
		if strings.Count(logs, `"msg":"closing etcd server"`) != 3 || strings.Contains(logs, `"msg":"leadership transfer starting"`) {
			t.Errorf("the members did not stop one after the other:\n%s", logs)
		}
		s.etcdctr("down", "--volumes", "--yes")
	}
}

var stopped = regexp.MustCompile(`(?m)^~ *\d+\. stop (etcd\d):`)

func TestChangedSettingReplacesTheMembersConcernedLeaderLast(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	before := s.containers()
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "members:\n- name: etcd1\n- name: etcd2\n  settings: {max-txn-ops: \"256\"}\n- name: etcd3\n")
	s.etcdctr("up")
	after := s.containers()
	if after["etcd2"] == before["etcd2"] {
		t.Error("the changed member was not replaced")
	}
	after["etcd2"] = before["etcd2"]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("others than the changed member (-before +after):\n%s", diff)
	}

	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "snapshot-count: \"5000\"\n")
	leader := s.leader()
	var order []string
	for _, m := range stopped.FindAllStringSubmatch(s.etcdctr("up", "--dry-run"), -1) {
		order = append(order, m[1])
	}
	if len(order) != 3 || order[2] != leader {
		t.Errorf("members would be stopped in the order %q, and %s leads", order, leader)
	}
	s.etcdctr("up")
	s.wantServing()
}

func (s *stack) leader() string {
	s.t.Helper()
	var answers []struct {
		Endpoint string
		Status   struct {
			Header struct {
				MemberID uint64 `json:"member_id"`
			}
			Leader uint64
		}
	}
	out := s.etcdctr("exec", "etcd1", "--", "etcdctl", "endpoint", "status", "--cluster", "--write-out", "json")
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range answers {
		if a.Status.Leader == a.Status.Header.MemberID {
			_, host, _ := strings.Cut(a.Endpoint, "//")
			name, _, _ := strings.Cut(host, ":")
			return name
		}
	}
	s.t.Fatalf("nobody leads: %s", out)
	return ""
}

func TestReadsAndWritesGoOnWhileMembersAreReplaced(t *testing.T) {
	s := newStack(t)
	endpoints := s.publish("")
	s.etcdctr("up")
	load := startLoad(t, clientv3.Config{Endpoints: endpoints, TLS: s.clientTLS("clients/root")})
	load.wantMore(settledWrites)
	s.publish("snapshot-count: \"5000\"\n", endpoints...)
	s.etcdctr("up")
	load.wantMore(settledWrites)
	load.finish()
}

func TestEverydayCommandsTellAboutTheStack(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	var members []struct{ Name, Role, Status, Health string }
	if err := json.Unmarshal([]byte(s.etcdctr("ps", "--format", "json")), &members); err != nil {
		t.Fatal(err)
	}
	for i, m := range members {
		want := struct{ Name, Role, Status, Health string }{fmt.Sprintf("etcd%d", i+1), "member", "running", "healthy"}
		if m != want {
			t.Errorf("ps has %v, want %v", m, want)
		}
	}
	if out := run(t, s.dir, etcdctrBinary(t), "ls"); !slices.Contains(strings.Fields(out), s.name) {
		t.Errorf("ls does not have %s:\n%s", s.name, out)
	}
	if out := s.etcdctr("logs", "etcd2"); !strings.Contains(out, "elected leader") && !strings.Contains(out, "ready to serve client requests") {
		t.Errorf("the log of etcd2 is not one of etcd:\n%s", out)
	}
	_, err := s.tryEtcdctr("exec", "etcd1", "--", "etcdctl", "no-such-command")
	wantExitCode(t, err, 1)
	_, err = s.tryEtcdctr("exec", "etcd9", "--", "etcdctl", "version")
	wantExitCode(t, err, 2)
	wantError(t, err, `no member "etcd9"`, "etcd1, etcd2, etcd3")
}
