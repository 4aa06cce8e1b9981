package forward

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/etcdctr/etcdctr/internal/splice"
	"github.com/etcdctr/etcdctr/runtime"
)

// proxy is an HTTP proxy on loopback that knows the way to members. `etcdctl --cluster` goes to the addresses in the member
// list, names that mean nothing on this machine; etcd's client takes a proxy
// from its environment and leaves names to it. (With several endpoints for one
// client it would not do: grpc-go then expects the first one's name in all
// certificates.)
type proxy struct {
	server   *http.Server
	listener net.Listener
	user     string // of this one process alone; others on this machine get no further
	hosts    []string
	names    map[string]string // by a member's name: its address
	way      dial
}

func startProxy(members []runtime.Server, way dial) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen for etcdctl: %w", err)
	}
	p := &proxy{listener: l, user: rand.Text(), way: way, names: map[string]string{}}
	for _, m := range members {
		p.names[m.Name] = hostOf(m.ClientURL())
		if host, _, err := net.SplitHostPort(hostOf(m.ClientURL())); err == nil {
			p.hosts = append(p.hosts, host)
		}
	}
	p.server = &http.Server{Handler: p}
	go func() {
		if err := p.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // an accept on loopback does not fail
		}
	}()
	return p, nil
}

func (p *proxy) close() { p.server.Close() }

// environment makes Go programs use the proxy for everything but loopback.
func (p *proxy) environment() []string {
	return []string{fmt.Sprintf("HTTPS_PROXY=http://%s:@%s", p.user, p.listener.Addr())}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"))
	switch {
	case r.Method != http.MethodConnect:
		http.Error(w, "only CONNECT is served", http.StatusMethodNotAllowed)
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("Proxy-Authorization")), []byte(want)) != 1:
		http.Error(w, "this proxy serves one process", http.StatusProxyAuthRequired)
	default:
		p.connect(w, r)
	}
}

func (p *proxy) connect(w http.ResponseWriter, r *http.Request) {
	to, err := p.dial(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	// What the client has said already, before it heard that it is connected.
	if _, err := io.CopyN(to, early, int64(early.Reader.Buffered())); err != nil {
		return
	}
	splice.Join(from, to)
}

// dial goes the way to members and directly to anything else.
func (p *proxy) dial(r *http.Request) (net.Conn, error) {
	host, _, err := net.SplitHostPort(r.Host)
	if address, ok := p.names[host]; err == nil && ok {
		return p.way(r.Context(), "tcp", address)
	}
	if err == nil && slices.Contains(p.hosts, host) {
		return p.way(r.Context(), "tcp", r.Host)
	}
	return new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
}
