package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestEtcdctlIsToldNothingTwice(t *testing.T) {
	vars := []cluster.Variable{{Name: "ETCDCTL_ENDPOINTS", Value: "https://127.0.0.1:1"}, {Name: "ETCDCTL_CERT", Value: "tls.crt"}}
	tests := map[string]struct {
		caller, args, want []string
	}{
		"what the stack needs is added": {
			caller: []string{"HOME=/root", "ETCDCTL_USER=root"},
			want:   []string{"HOME=/root", "ETCDCTL_USER=root", "ETCDCTL_ENDPOINTS=https://127.0.0.1:1", "ETCDCTL_CERT=tls.crt"},
		},
		"another cluster's variables and proxies are not passed on": {
			caller: []string{"ETCDCTL_ENDPOINTS=x", "ETCDCTL_KEY=y", "https_proxy=z", "NO_PROXY=*"},
			want:   []string{"ETCDCTL_ENDPOINTS=https://127.0.0.1:1", "ETCDCTL_CERT=tls.crt"},
		},
		"a flag wins": {
			args: []string{"--endpoints", "https://etcd2:2379", "--cert=mine.crt", "get", "a"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := environment(tt.caller, vars, tt.args)
			if diff := cmp.Diff(append([]string{}, tt.want...), append([]string{}, got...)); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersAmongTheEndpointsAreTranslated(t *testing.T) {
	var members []runtime.Server
	for _, name := range []string{"etcd1", "etcd2"} {
		url := cluster.Setting{Name: "advertise-client-urls", Value: "https://" + name + ":2379"}
		members = append(members, runtime.Server{Name: name, Settings: cluster.Settings{url}})
	}
	ports, err := open(t.Context(), members, new(net.Dialer).DialContext, Loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	first, second := ports.listeners[0].Addr().String(), ports.listeners[1].Addr().String()
	got := translateEndpoints([]string{"--endpoints", "https://etcd2:2379,https://elsewhere:2379", "--endpoints=etcd1:2379", "put", "etcd1:2379", "x"}, members, ports)
	want := []string{"--endpoints", "https://" + second + ",https://elsewhere:2379", "--endpoints=" + first, "put", "etcd1:2379", "x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// Each port leads to its member, by the address that the member has there.
func TestEachPortLeadsToItsMember(t *testing.T) {
	var members []runtime.Server
	for _, name := range []string{"etcd1", "etcd2"} {
		url := cluster.Setting{Name: "advertise-client-urls", Value: "https://" + name + ":2379"}
		members = append(members, runtime.Server{Name: name, Settings: cluster.Settings{url}})
	}
	way := func(_ context.Context, _, address string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			_, _ = io.WriteString(there, address) // its reader has what it wants by then
		}()
		return here, nil
	}
	ports, err := open(t.Context(), members, way, Loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	for i, want := range []string{"etcd1:2379", "etcd2:2379"} {
		c, err := net.Dial("tcp", ports.listeners[i].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || string(got) != want {
			t.Errorf("%s leads to %q, %v", ports.URLs()[i], got, err)
		}
		c.Close()
	}
	// All ports or none, and each that can't be opened is told.
	taken := netip.MustParseAddrPort(ports.listeners[0].Addr().String())
	if _, err := open(t.Context(), members[:1], way, taken); err == nil || !errors.As(err, new(*net.OpError)) {
		t.Errorf("a port that is taken gives %v", err)
	}
}
