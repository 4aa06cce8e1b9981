package swarm

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
)

// Podman is no part of any swarm, and takes long to say so in all words.
func TestPodmanIsAskedForNoSwarm(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "Libpod/4.3.1 (linux)")
		w.Header().Set("Api-Version", "1.41")
		if r.URL.Path != "/_ping" {
			t.Errorf("it is asked for %s", r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.WithHost("tcp://" + server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, err = New(Options{Engine: c}).manages(t.Context())
	if s := (*StandingError)(nil); !errors.Is(err, runtime.ErrUnavailable) || !errors.As(err, &s) || s.Standing != Outside {
		t.Errorf("the error is %v", err)
	}
}
