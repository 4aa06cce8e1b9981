package target

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// emptyEngine is the engine of the environment, which has nothing, and counts how often it is
// asked for its containers.
func emptyEngine(t *testing.T) *atomic.Int32 {
	t.Helper()
	var looks atomic.Int32
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			looks.Add(1)
			_, _ = io.WriteString(w, "[]")
		case strings.HasSuffix(r.URL.Path, "/networks"):
			_, _ = io.WriteString(w, "[]")
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("Swarm", "inactive")
		default:
			_, _ = io.WriteString(w, "{}")
		}
	}))
	t.Cleanup(engine.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+engine.Listener.Addr().String())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	return &looks
}

func describingOrders(t *testing.T) *Flags {
	t.Helper()
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	f := (&World{Console: &terminal.Console{Voice: terminal.Voice{Out: io.Discard}}}).Describing(cmd)
	if err := cmd.Flags().Set("name", "orders"); err != nil {
		t.Fatal(err)
	}
	return f
}

// What a cluster is and where its certificates are both depends on what runs.
func TestPartsThatAreAskedForTogetherTakeOneLookAtTheEngine(t *testing.T) {
	looks, f := emptyEngine(t), describingOrders(t)
	c, dir, err := f.WithCerts()
	if err != nil || c.Name != "orders" || dir == "" {
		t.Fatalf("%v, certificates in %q: %v", c, dir, err)
	}
	if n := looks.Load(); n != 1 {
		t.Errorf("the engine was asked %d times for the containers", n)
	}
}

// Whose certificates are looked after, and who has copies of them, both depends on the cluster.
func TestTheClusterOfCertificatesIsLookedForOnce(t *testing.T) {
	looks, f := emptyEngine(t), describingOrders(t)
	pki := f.Rostered(t.Context(), t.TempDir())
	defer pki.Close()
	pki.TellOldCopies(t.Context())
	if n := looks.Load(); n != 2 { // to find it, and for the copies
		t.Errorf("the engine was asked %d times for the containers", n)
	}
}
