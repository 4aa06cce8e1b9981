package stack_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack"
)

// Each time that Podman is asked where it runs it looks for the packages of all its
// programs, by programs of the system's: for most of the time that a command takes.
func TestPodmanIsAskedOnceWhereItRuns(t *testing.T) {
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		hostname string
		sees     bool
	}{
		"this machine":    {here, true},
		"another machine": {here + "-not", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			engine := servePodman(t, func(path string) any {
				switch {
				case strings.HasSuffix(path, "/libpod/info"):
					asked++
					return map[string]any{"host": map[string]any{"hostname": test.hostname, "networkBackend": "netavark"}}
				case strings.HasSuffix(path, "/version"):
					return map[string]any{"Components": []any{map[string]any{"Name": "Podman Engine", "Version": "5.0.0"}}}
				case strings.HasSuffix(path, "/_ping"):
					return "OK"
				}
				t.Errorf("it is asked for %s", path)
				return nil
			})
			made, err := stack.AskMake(t.Context(), engine)
			if err != nil {
				t.Fatal(err)
			}
			sees, err := stack.SeesFiles(t.Context(), engine, made)
			if err != nil || sees != test.sees || asked != 1 {
				t.Errorf("it sees this machine's files: %v, %v; it was asked %d times where it runs", sees, err, asked)
			}
		})
	}
}

func servePodman(t *testing.T, answer func(path string) any) *client.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "podman.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(answer(r.URL.Path)) // who asked sees it
	})}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { server.Close() })
	engine, err := client.New(client.WithHost("unix://" + socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}
