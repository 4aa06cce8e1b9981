//go:build unix

package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// start starts a cluster, which ends with the test.
func start(t *testing.T, r *local.Runtime, spec cluster.Spec) *cluster.Cluster {
	t.Helper()
	c, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Remove(context.Background(), spec.Name, runtime.Removal{Data: true}); err != nil {
			t.Errorf("the clean-up fails: %v", err)
		}
	})
	if err := r.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// awaitHealth returns when a member says that it has a leader.
func awaitHealth(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, m := range c.Members {
		for !healthy(ctx, m.Settings.Get("listen-metrics-urls")) {
			if ctx.Err() != nil {
				t.Fatalf("%s does not become healthy", m.Name)
			}
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var is struct{ Health string }
	return json.NewDecoder(answer.Body).Decode(&is) == nil && is.Health == "true"
}

func TestMembersFindEachOtherInEveryWay(t *testing.T) {
	for _, bootstrap := range []string{"static", "discovery", "dns"} {
		t.Run(bootstrap, func(t *testing.T) {
			r := local.New(options(t, t.TempDir()))
			c := start(t, r, cluster.Spec{
				Name: bootstrap, Bootstrap: bootstrap, TLS: "none", Profile: "ci", DiscoveryToken: tokenFor(bootstrap),
			})
			awaitHealth(t, c)
			have, err := r.Observe(t.Context(), bootstrap)
			if err != nil {
				t.Fatal(err)
			}
			way, err := r.Reach(t.Context(), have)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range have.Members() {
				conn, err := way.Dial(t.Context(), "tcp", strings.TrimPrefix(m.ClientURL(), "http://"))
				if err != nil {
					t.Errorf("%s is not reached at %s: %v", m.Name, m.ClientURL(), err)
					continue
				}
				conn.Close()
			}
			if changes, err := r.Changes(t.Context(), c, have); err != nil || len(changes) > 0 {
				t.Errorf("it is to change: %v %v", changes, err)
			}
		})
	}
}

func tokenFor(bootstrap string) string {
	if bootstrap == "discovery" {
		return "3f1c0e9b"
	}
	return ""
}

func TestAForegroundEndsItsMembers(t *testing.T) {
	o := options(t, t.TempDir())
	said := make(chan string, 1)
	o.Foreground = &local.Foreground{Output: func(l runtime.Line) {
		select {
		case said <- l.Server:
		default:
		}
	}}
	r := local.New(o)
	c := start(t, r, cluster.Spec{Name: "front", Members: cluster.Count(1), TLS: "none", LogLevel: "info"})
	if got := <-said; got != "etcd1" {
		t.Errorf("%q says something", got)
	}
	awaitHealth(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Foreground.Wait(ctx); err != nil {
		t.Error(err)
	}
	have, err := r.Observe(t.Context(), "front")
	if err != nil {
		t.Fatal(err)
	}
	if have.Runs() {
		t.Errorf("it still runs: %+v", have.Servers)
	}
}

func TestWhatSomebodyElseInheritsIsNoChange(t *testing.T) {
	folder := t.TempDir()
	o := options(t, folder)
	spec := cluster.Spec{Name: "shell", Members: cluster.Count(1)}
	if err := spec.Set("tls", "none"); err != nil {
		t.Fatal(err)
	}
	c := start(t, local.New(o), spec)
	o.Environ = []string{"PATH=/elsewhere", "LANG=C", "HTTPS_PROXY=http://127.0.0.1:1"}
	other := local.New(o)
	have, err := other.Observe(t.Context(), "shell")
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := other.Changes(t.Context(), c, have); err != nil || len(changes) > 0 {
		t.Errorf("another shell changes it: %v %v", changes, err)
	}
	if want := "tls: none\n"; have.Wish != want {
		t.Errorf("it keeps %q of what it was started with, want %q", have.Wish, want)
	}
}

// A description of before says what was inherited among the settings.
func TestAnOlderDescriptionIsTakenOver(t *testing.T) {
	folder := t.TempDir()
	r := local.New(options(t, folder))
	c := start(t, r, cluster.Spec{Name: "older", Members: cluster.Count(1), TLS: "none"})
	path := filepath.Join(r.Home("older"), "stack.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]any
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	m := kept["members"].([]any)[0].(map[string]any)
	m["env"] = append([]any{"PATH=/old", "NO_PROXY=localhost"}, m["env"].([]any)...)
	delete(m, "inherited")
	delete(m, "version")
	delete(kept, "notes")
	if text, err = json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	have, err := r.Observe(t.Context(), "older")
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := r.Changes(t.Context(), c, have); err != nil || len(changes) > 0 {
		t.Errorf("it is to change: %v %v", changes, err)
	}
}

func TestANewMemberGetsPortsThatAreFree(t *testing.T) {
	r := local.New(options(t, t.TempDir()))
	spec := cluster.Spec{Name: "grows", Members: cluster.Count(1), TLS: "none"}
	first := start(t, r, spec)
	taken := listen(t, first.Members[0].Place.ClientPort+100)
	defer taken.Close()
	spec.Members = cluster.Count(2)
	c, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Members[0].Place.ClientPort, c.Members[0].Place.ClientPort); diff != "" {
		t.Errorf("the first member moves: %s", diff)
	}
	if got := c.Members[1].Place.ClientPort; got == first.Members[0].Place.ClientPort+100 {
		t.Errorf("the new member is placed on a port that is taken, %d", got)
	}
}

func TestAnotherReleaseIsRefusedByItsType(t *testing.T) {
	r := local.New(options(t, t.TempDir()))
	c, err := r.Place(t.Context(), cluster.Spec{Name: "other", Etcd: "3.5", TLS: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if other := (*local.OtherReleaseError)(nil); !errors.As(r.Prepare(t.Context(), c), &other) || other.Want.Minor != 5 {
		t.Errorf("got %v", other)
	}
}

// listen takes a port of loopback, unless somebody else has it.
func listen(t *testing.T, port int) io.Closer {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return io.NopCloser(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Ports by the cluster's name are kept, and another cluster's are others.
func TestPortsThatAreLeftToUsGoByTheName(t *testing.T) {
	r := local.New(options(t, t.TempDir()))
	spec := cluster.Spec{Name: "job-1", Members: cluster.Count(1), TLS: "none", ClientPort: cluster.AutoPort}
	first := start(t, r, spec)
	c, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if was, is := first.Members[0].Place.ClientPort, c.Members[0].Place.ClientPort; is != was || is < 20000 {
		t.Errorf("it runs on port %d and is to be on %d", was, is)
	}
	spec.Name = "job-2"
	if c, err = r.Place(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if c.Members[0].Place.ClientPort == first.Members[0].Place.ClientPort {
		t.Error("two clusters are placed on one port")
	}
}
