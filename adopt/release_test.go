package adopt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// answering is where members are that something listens for.
type answering struct {
	fakeForeign
	at map[string]string // by member
}

func (f *answering) Dial(ctx context.Context, m Member, _ string) (net.Conn, error) {
	at, listens := f.at[m.Name]
	if !listens {
		return nil, errors.New("nobody listens")
	}
	return new(net.Dialer).DialContext(ctx, "tcp", at)
}

// Whoever runs says what it is, whatever its image is called.
func TestMembersThatRunSayTheirRelease(t *testing.T) {
	etcd := func(release string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/version" {
				http.NotFound(w, r)
				return
			}
			fmt.Fprintf(w, `{"etcdserver":%q,"etcdcluster":"not_decided"}`, release)
		})
	}
	plain := func(release string) string {
		s := httptest.NewServer(etcd(release))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	secure := func(release string, ask tls.ClientAuthType) string {
		s := httptest.NewUnstartedServer(etcd(release))
		s.TLS, s.Config.ErrorLog = &tls.Config{ClientAuth: ask}, log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	member := func(name, known string, status runtime.Status, more ...cluster.Setting) Member {
		m := of(name, status, slices.Concat(more, open(name))...) // the first of a name counts
		m.Release = known
		return m
	}
	encrypted := cluster.Setting{Name: "listen-client-urls", Value: "https://0.0.0.0:2379"}
	for _, c := range []struct {
		name    string
		members []Member
		at      map[string]string
		said    cluster.Spec
		etcd    string
		err     error
	}{
		{
			name: "nothing but it says so", members: []Member{member("etcd1", "", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11")}, etcd: "v3.6.11",
		},
		{
			name: "its image is called otherwise", members: []Member{member("etcd1", "v3.7.3", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11")}, etcd: "v3.6.11",
		},
		{
			name: "one does not answer", members: []Member{member("etcd1", "", runtime.Running), member("etcd2", "", runtime.Running)},
			at: map[string]string{"etcd2": plain("3.6.11")}, etcd: "v3.6.11",
		},
		{
			name: "they are between two", members: []Member{member("etcd1", "", runtime.Running), member("etcd2", "", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11"), "etcd2": plain("3.5.35")}, etcd: "v3.5.35",
		},
		{
			name: "it talks TLS", members: []Member{member("etcd1", "", runtime.Running, encrypted)},
			at: map[string]string{"etcd1": secure("3.6.11", tls.NoClientCert)}, etcd: "v3.6.11",
		},
		{
			name: "it asks for a certificate", members: []Member{member("etcd1", "", runtime.Running, encrypted)},
			at: map[string]string{"etcd1": secure("3.6.11", tls.RequireAnyClientCert)}, err: ErrRelease,
		},
		{
			name: "it does not run", members: []Member{member("etcd1", "", runtime.Stopped)},
			at: map[string]string{"etcd1": plain("3.6.11")}, err: ErrRelease,
		},
		{
			name: "what is said is true", members: []Member{member("etcd1", "", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11")}, said: cluster.Spec{Etcd: "3.6"}, etcd: "3.6",
		},
		{
			name: "what is said is not", members: []Member{member("etcd1", "", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11")}, said: cluster.Spec{Etcd: "3.7"}, err: ErrOtherRelease,
		},
		{
			name: "an image of another is named", members: []Member{member("etcd1", "", runtime.Running)},
			at: map[string]string{"etcd1": plain("3.6.11")}, said: cluster.Spec{Image: "shop/etcd:v3.5.35"}, err: ErrOtherRelease,
		},
		{
			name: "nobody answers what is said", members: []Member{member("etcd1", "v3.6.16", runtime.Running)},
			said: cluster.Spec{Etcd: "3.7"}, etcd: "3.7",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shop(c.members...)
			d, err := describe(t.Context(), &answering{fakeForeign{stack: s}, c.at}, s, c.said, cluster.Version{})
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err == nil && d.Spec.Etcd != c.etcd {
				t.Errorf("it is described as %q, want %q", d.Spec.Etcd, c.etcd)
			}
		})
	}
}
