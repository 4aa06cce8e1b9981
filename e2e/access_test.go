//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Access without a published port: by the containers' addresses where this
// machine is the engine's, and through a relay from anywhere.

func TestSmokeEtcdctlReachesAStackThatPublishesNothing(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	if out := s.etcdctr("etcdctl", "member", "list"); strings.Count(out, "started") != 3 {
		t.Errorf("member list:\n%s", out)
	}
	out := s.etcdctr("etcdctl", "endpoint", "health", "--cluster")
	for _, member := range []string{"etcd1", "etcd2", "etcd3"} {
		if !strings.Contains(out, "https://"+member+":2379 is healthy") {
			t.Errorf("%s is missing from:\n%s", member, out)
		}
	}
	if out := s.etcdctr("etcdctl", "--endpoints", "https://etcd2:2379", "put", "key", "value"); out != "OK\n" {
		t.Errorf("put through one's own endpoint: %q", out)
	}
	if out := s.etcdctr("etcdctl", "--", "get", "key", "--print-value-only"); out != "value\n" {
		t.Errorf("get: %q", out)
	}
}

func TestEtcdctlEndsWithItsOwnExitCode(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	_, err := try(t, s.dir, etcdctrBinary(t), "etcdctl", "--name", s.name, "get")
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 128 { // etcdctl's for bad arguments
		t.Errorf("got %v, want exit code 128", err)
	}
}

func TestPlainTextStacksAreReachedTheSameWay(t *testing.T) {
	s := newStack(t)
	s.generate("--tls", "none")
	s.up()
	if out := s.etcdctr("etcdctl", "endpoint", "health", "--cluster"); strings.Count(out, "is healthy") != 3 {
		t.Errorf("endpoint health:\n%s", out)
	}
	if out := s.etcdctr("health"); strings.Count(out, "follower") != 2 {
		t.Errorf("health:\n%s", out)
	}
}

// TestARelayIsEnoughWhereThereIsNoNetwork runs etcdctr in an empty network
// namespace: all that it has is the engine's socket, as with an engine on
// another machine.
func TestARelayIsEnoughWhereThereIsNoNetwork(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	for _, verb := range []string{"health", "verify"} {
		if out, err := output(s.isolated(verb), s.dir); err != nil {
			t.Errorf("%s: %v\n%s", verb, err, out)
		}
	}
	// etcdctl needs loopback to talk to this program.
	out, err := output(s.isolated("etcdctl", "endpoint", "health", "--cluster"), s.dir)
	if err != nil || strings.Count(out, "is healthy") != 3 {
		t.Errorf("etcdctl: %v\n%s", err, out)
	}
	s.wantNoRelay()
}

// isolated is an etcdctr without any network but loopback.
func (s *stack) isolated(args ...string) *exec.Cmd {
	s.t.Helper()
	words := append([]string{etcdctrBinary(s.t), args[0], "--name", s.name}, args[1:]...)
	script := "ip link set lo up && exec " + strings.Join(words, " ")
	return exec.CommandContext(s.t.Context(), "unshare", "--net", "sh", "-c", script)
}

func TestConnectCarriesManyConnectionsWatchesAndLargeValues(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	for _, via := range []string{"direct", "relay"} {
		t.Run(via, func(t *testing.T) {
			c := s.connect("--via", via)
			watched := c.client(t).Watch(t.Context(), "", clientv3.WithPrefix())
			large := strings.Repeat("x", 1_400_000) // etcd takes requests up to 1.5 MiB
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() { putAndGet(t, c.client(t), fmt.Sprintf("%s/%d", via, i), large) })
			}
			all.Wait()
			wantEvents(t, watched, 20)
			c.interrupt(t)
		})
	}
	s.wantNoRelay()
}

func putAndGet(t *testing.T, client *clientv3.Client, key, value string) {
	t.Helper()
	if _, err := client.Put(t.Context(), key, value); err != nil {
		t.Error(err)
		return
	}
	got, err := client.Get(t.Context(), key)
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != value {
		t.Errorf("%s does not come back whole: %v", key, err)
	}
}

func wantEvents(t *testing.T, watched clientv3.WatchChan, n int) {
	t.Helper()
	for seen := 0; seen < n; {
		w, ok := <-watched
		if !ok || w.Err() != nil {
			t.Fatalf("the watch ended after %d events: %v", seen, w.Err())
		}
		seen += len(w.Events)
	}
}

func TestARelayEndsWithItsCommandEvenWhenThatIsKilled(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	c := s.connect("--via", "relay")
	relay := s.relays()
	if len(relay) != 1 {
		t.Fatalf("relays: %q, want one", relay)
	}
	wantConfined(t, relay[0])
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.wantNoRelay()
}

// What a relay of this machine's engine has connected goes on while it stands still: nothing
// of it passes the relay, nor the engine.
func TestARelayOfThisEngineHandsConnectionsOver(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	c := s.connect("--via", "relay")
	client := c.client(t)
	putAndGet(t, client, "greeting", "hello")
	relay := s.relays()[0]
	run(t, s.dir, "docker", "kill", "--signal", "STOP", relay)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Put(ctx, "greeting", "goodbye"); err != nil {
		t.Error(err)
	}
	run(t, s.dir, "docker", "kill", "--signal", "CONT", relay)
	c.interrupt(t)
	s.wantNoRelay()
}

// wantConfined wants a relay to publish nothing and to be allowed nothing.
func wantConfined(t *testing.T, id string) {
	t.Helper()
	var found []struct {
		Config     struct{ User string }
		HostConfig struct {
			ReadonlyRootfs, Privileged bool
			CapAdd, CapDrop            []string
			PortBindings               map[string]any
			LogConfig                  struct{ Type string }
		}
	}
	decode(t, run(t, ".", "docker", "inspect", id), &found)
	h := found[0].HostConfig
	if !h.ReadonlyRootfs || h.Privileged || len(h.CapAdd) > 0 || strings.Join(h.CapDrop, "") != "ALL" ||
		len(h.PortBindings) > 0 || h.LogConfig.Type != "none" || strings.HasPrefix(found[0].Config.User, "0") {
		t.Errorf("the relay may do more than it must: %+v", found[0])
	}
}

func TestComposeAndUpLeaveARelayAlone(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1")
	s.up()
	c := s.connect("--via", "relay")
	s.up()
	if got := s.relays(); len(got) != 1 {
		t.Errorf("relays after `docker compose up`: %q, want one", got)
	}
	c.roundTrip(t)
	c.interrupt(t)
}

// relays are the IDs of the stack's relays.
func (s *stack) relays() []string {
	s.t.Helper()
	return strings.Fields(run(s.t, s.dir, "docker", "ps", "--all", "--quiet",
		"--filter", "label=io.etcdctr.role=relay", "--filter", "label=com.docker.compose.project="+s.name))
}

// wantNoRelay waits for the engine, which removes a relay that has ended by
// itself after the fact.
func (s *stack) wantNoRelay() {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(s.relays()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("relays are left: %q", s.relays())
		}
	}
}

// connection is a running `etcdctr connect`.
type connection struct {
	s    *stack
	cmd  *exec.Cmd
	env  map[string]string
	said bytes.Buffer
}

func (s *stack) connect(flags ...string) *connection {
	s.t.Helper()
	args := append([]string{"connect", "--name", s.name, "--listen", "127.0.0.1:0", "--format", "json"}, flags...)
	c := &connection{s: s, cmd: exec.Command(etcdctrBinary(s.t), args...)}
	c.cmd.Dir, c.cmd.Stderr = s.dir, &c.said
	printed, err := c.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	if err := json.NewDecoder(printed).Decode(&c.env); err != nil {
		_ = c.cmd.Wait()
		s.t.Fatalf("connect: %v\n%s", err, c.said.String())
	}
	return c
}

// interrupt is Ctrl-C, which is how connect ends: without an error.
func (c *connection) interrupt(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("connect ended with %d:\n%s", code, c.said.String())
	}
}

func (c *connection) config() clientv3.Config {
	return clientv3.Config{Endpoints: strings.Split(c.env["ETCDCTL_ENDPOINTS"], ","), TLS: c.s.clientTLS("clients/root")}
}

func (c *connection) client(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(c.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func (c *connection) roundTrip(t *testing.T) {
	t.Helper()
	roundTrip(t, c.config())
}
