package docker

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
)

// podman has one member of the cluster "orders".
type podman struct {
	mounts   []map[string]any // of the member
	networks []any

	mu    sync.Mutex
	asked []string
	// removed says that it loses the member while it looks it up, and knows of none after.
	removed bool
}

func (p *podman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.URL.Path)
	w.Header().Set("Server", "Libpod/4.3.1 (linux)")
	w.Header().Set("Api-Version", "1.41")
	labels := map[string]string{
		"com.docker.compose.project": "orders", "com.docker.compose.service": "etcd1",
		"com.docker.compose.container-number": "1", "io.etcdctr.role": "member",
	}
	var answer any
	switch _, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/"); what {
	case "containers/json":
		answer = []any{map[string]any{"Id": "one", "Names": []string{"/orders-etcd1-1"}, "State": "running", "Labels": labels}}
	case "containers/one/json":
		if p.removed {
			status := http.StatusInternalServerError
			if slices.Contains(p.asked[:len(p.asked)-1], r.URL.Path) {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
			answer = map[string]any{"message": "container one does not exist in database: no such container"}
			break
		}
		answer = map[string]any{"Id": "one", "State": map[string]any{"Status": "running"}, "Config": map[string]any{"Labels": labels}, "Mounts": p.mounts}
	case "networks":
		answer = p.networks
	case "volumes":
		answer = map[string]any{"Volumes": []any{}}
	case "libpod/info":
		answer = map[string]any{"host": map[string]any{"hostname": "elsewhere", "networkBackend": "netavark"}}
	default:
		answer = []any{}
	}
	_ = json.NewEncoder(w).Encode(answer) // who asked sees it
}

func TestPodmanIsNotAskedWhereItRunsForAMemberWithNoFolder(t *testing.T) {
	for what, test := range map[string]struct {
		mounts []map[string]any
		asks   bool
	}{
		"no folder":    {},
		"a volume":     {mounts: []map[string]any{{"Type": "volume", "Name": "orders_etcd1-certs", "Destination": "/etc/etcd/certs"}}},
		"certificates": {mounts: []map[string]any{{"Type": "bind", "Source": "/srv/certs/members/etcd1", "Destination": "/etc/etcd/certs"}}, asks: true},
	} {
		t.Run(what, func(t *testing.T) {
			p := &podman{mounts: test.mounts}
			r := New(Options{Engine: p.serve(t), Folder: t.TempDir()})
			s, err := r.Observe(t.Context(), "orders")
			if err != nil || len(s.Members()) != 1 || s.CertsDir != "" { // the folder is another machine's
				t.Errorf("the cluster is %+v, %v", s, err)
			}
			asks := slices.ContainsFunc(p.asked, func(path string) bool { return strings.HasSuffix(path, "/info") })
			if asks != test.asks || slices.ContainsFunc(p.asked, func(path string) bool { return strings.HasSuffix(path, "/version") }) {
				t.Errorf("it is asked for %q", p.asked)
			}
		})
	}
}

func (p *podman) serve(t *testing.T) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "p") //nolint:usetesting // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "podman.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { server.Close() })
	c, err := client.New(client.WithHost("unix://" + socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// It tells a network's subnet, and not the range that fixed addresses leave to it.
func TestMembersOnPodmanStayOnTheSubnetThatTheyHave(t *testing.T) {
	const subnet = "10.89.7.0/24"
	r := New(Options{Folder: t.TempDir(), Engine: (&podman{networks: []any{map[string]any{
		"Name": "orders_cluster", "Id": "net", "IPAM": map[string]any{"Config": []any{map[string]any{"Subnet": subnet, "Gateway": "10.89.7.1"}}},
		"Labels": map[string]string{"com.docker.compose.project": "orders", "com.docker.compose.network": "cluster"},
	}}}).serve(t)})
	c, err := r.Place(t.Context(), cluster.Spec{Name: "orders"})
	if err != nil || len(c.Subnets) != 1 || c.Subnets[0].String() != subnet {
		t.Errorf("the cluster is on %v (%v), want %s", c.Subnets, err, subnet)
	}
}

// A container that ends while Podman looks it up is an internal error to it.
func TestAContainerThatIsRemovedWhilePodmanLooksIsLeftOut(t *testing.T) {
	r := New(Options{Folder: t.TempDir(), Engine: (&podman{removed: true}).serve(t)})
	f, err := r.find(t.Context(), "orders")
	if err != nil || len(f.details) != 0 {
		t.Errorf("it is found as %+v, %v", f, err)
	}
}
