package stack_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack"
)

// engine answers what is asked of one here, and remembers what that was.
type engine struct {
	server  string         // the header of its answers; empty: somebody keeps it to himself
	api     string         // the newest version that it speaks
	answers map[string]any // by the ends of paths

	mu    sync.Mutex
	asked []string
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", e.api)
	if e.server != "" {
		w.Header().Set("Server", e.server)
	}
	if r.URL.Path == "/_ping" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for path, answer := range e.answers {
		if strings.HasSuffix(r.URL.Path, path) {
			e.asked = append(e.asked, path)
			_ = json.NewEncoder(w).Encode(answer) // who asked sees it
			return
		}
	}
	e.asked = append(e.asked, r.URL.Path)
	w.WriteHeader(http.StatusNotFound)
}

// serve gives a client of the engine.
func (e *engine) serve(t *testing.T) *client.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "engine.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { server.Close() })
	c, err := client.New(client.WithHost("unix://" + socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// info is what Podman says of where it runs.
func info(hostname, networks string) map[string]any {
	return map[string]any{"/libpod/info": map[string]any{"host": map[string]any{"hostname": hostname, "networkBackend": networks}}}
}

// Each make has these headers: seen with Docker Engine 20.10.24 and 29, and Podman 4.3.1.
func TestAPingTellsTheMake(t *testing.T) {
	component := func(name, version string) map[string]any {
		return map[string]any{"/version": map[string]any{"Version": version, "ApiVersion": "1.41", "Components": []any{map[string]any{"Name": name, "Version": version}}}}
	}
	for what, test := range map[string]struct {
		engine *engine
		make   string
		podman bool
		lacks  []stack.Lack
		asked  []string
	}{
		"Docker Engine of today": {engine: &engine{server: "Docker/29.0.0 (linux)", api: "1.52"}, make: "Docker Engine 29.0.0"},
		"an older one":           {engine: &engine{server: "Docker/20.10.24+dfsg1 (linux)", api: "1.41"}, make: "Docker Engine 20.10.24+dfsg1", lacks: []stack.Lack{stack.StartIntervals}},
		"Podman":                 {engine: &engine{server: "Libpod/4.3.1 (linux)", api: "1.41"}, make: "Podman 4.3.1", podman: true, lacks: []stack.Lack{stack.Timers, stack.StartIntervals}},
		"Docker Engine behind somebody": {
			engine: &engine{server: "nginx/1.27", api: "1.41", answers: component("Engine", "20.10.24")},
			make:   "Docker Engine 20.10.24", lacks: []stack.Lack{stack.StartIntervals}, asked: []string{"/version"},
		},
		"Podman behind somebody": {
			engine: &engine{api: "1.41", answers: component("Podman Engine", "4.3.1")},
			make:   "Podman 4.3.1", lacks: []stack.Lack{stack.Timers, stack.StartIntervals}, asked: []string{"/version"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			c := test.engine.serve(t)
			made, err := stack.AskMake(t.Context(), c)
			if err != nil || made.String() != test.make {
				t.Errorf("it is %s, %v, want %s", made, err, test.make)
			}
			for _, l := range []stack.Lack{stack.Timers, stack.StartIntervals} {
				if want := slices.Contains(test.lacks, l); made.Lacks(l) != want {
					t.Errorf("it lacks %s: %v", l, !want)
				}
			}
			if is := stack.IsPodman(t.Context(), c); is != test.podman {
				t.Errorf("it is Podman: %v", is)
			}
			if diff := cmp.Diff(test.asked, test.engine.asked); diff != "" {
				t.Errorf("it was asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnEngineThatSaysNothingHasNoMake(t *testing.T) {
	c := (&engine{server: "nginx/1.27"}).serve(t)
	if made, err := stack.AskMake(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), "ask the engine what it is: ") {
		t.Errorf("it is %s, %v", made, err)
	}
}

// Each time that Podman is asked where it runs it looks for the packages of all its
// programs, by programs of the system's: for most of the time that a command takes.
func TestPodmanIsAskedOnceWhereItRuns(t *testing.T) {
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		hostname, networks string
		sees               bool
		refused            error
	}{
		"this machine":     {hostname: here, networks: "netavark", sees: true},
		"another machine":  {hostname: here + "-not", networks: "netavark"},
		"networks of CNIs": {hostname: here, networks: "cni", sees: true, refused: stack.ErrCNI},
	} {
		t.Run(what, func(t *testing.T) {
			e := &engine{server: "Libpod/5.0.0 (linux)", answers: info(test.hostname, test.networks)}
			c := e.serve(t)
			made, err := stack.AskMake(t.Context(), c)
			if err != nil || e.asked != nil {
				t.Fatalf("%v; to know its make it was asked for %q", err, e.asked)
			}
			if err := stack.CheckNetworks(t.Context(), c, made); !errors.Is(err, test.refused) {
				t.Errorf("the error is %v, want %v", err, test.refused)
			}
			sees, err := stack.SeesFiles(t.Context(), c, made)
			if err != nil || sees != test.sees {
				t.Errorf("it sees this machine's files: %v, %v", sees, err)
			}
			if diff := cmp.Diff([]string{"/libpod/info"}, e.asked); diff != "" {
				t.Errorf("it was asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodmanThatDoesNotSayWhereItRunsIsNotUsed(t *testing.T) {
	c := (&engine{server: "Libpod/5.0.0 (linux)"}).serve(t)
	made, err := stack.AskMake(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.CheckNetworks(t.Context(), c, made); err == nil || !strings.HasPrefix(err.Error(), "Podman 5.0.0 can't be used: ") {
		t.Errorf("the error is %v", err)
	}
	if _, err := stack.SeesFiles(t.Context(), c, made); err == nil {
		t.Error("it is said to see this machine's files, or not to")
	}
}
