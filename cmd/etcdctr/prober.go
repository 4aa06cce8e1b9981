package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// prober asks etcd members how they are, for package stack. On the machine of
// the containers it asks over their network, which takes milliseconds; from
// anywhere else it lets the etcdctl in the container ask, which always works.
type prober struct {
	engine stack.Engine
	// access is how clients of the cluster connect; nil when that is not known.
	access *access
	// local says that the engine runs on this machine, behind no other.
	local bool
}

// access is what a client needs besides an address.
type access struct {
	tls *tls.Config // nil for plain text
}

// newProber prepares for a cluster whose certificates are in dir.
func newProber(ctx context.Context, engine *client.Client, mode cluster.TLSMode, dir string) (*prober, error) {
	local, err := stack.SeesFiles(ctx, engine)
	if err != nil {
		return nil, err
	}
	p := &prober{engine: engine, local: local}
	p.learn(mode, dir)
	return p, nil
}

// learn reads the certificates in dir, which may just have been made. Without
// them the prober can do with etcdctl in the containers.
func (p *prober) learn(mode cluster.TLSMode, dir string) {
	p.access = nil
	switch mode {
	case cluster.NoTLS:
		p.access = &access{}
	case cluster.AutoTLS:
		p.access = &access{tls: unverified()}
	default:
		if config, err := adminTLS(dir); err == nil {
			p.access = &access{tls: config}
		}
	}
}

// Probe reads linearizably: an answer proves a leader and a quorum.
func (p *prober) Probe(ctx context.Context, c stack.Container) error {
	err := p.ask(ctx, c, linearizableRead(ctx))
	if errors.Is(err, errOutOfReach) {
		_, err = p.etcdctl(ctx, c, "endpoint", "health")
	}
	return err
}

// strangers are the members that could not be asked with the certificates that
// are here, in their order: because they do not accept these, or for another
// reason.
func (p *prober) strangers(ctx context.Context, members []stack.Container) []stack.Container {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	known := make([]bool, len(members))
	var wg sync.WaitGroup
	for i, c := range members {
		wg.Go(func() { known[i] = p.ask(ctx, c, linearizableRead(ctx)) == nil })
	}
	wg.Wait()
	var list []stack.Container
	for i, c := range members {
		if !known[i] {
			list = append(list, c)
		}
	}
	return list
}

// linearizableRead is the question that only a member with a leader and a
// quorum answers.
func linearizableRead(ctx context.Context) func(*clientv3.Client) error {
	return func(etcd *clientv3.Client) error {
		_, err := etcd.Get(ctx, "health")
		if errors.Is(err, rpctypes.ErrPermissionDenied) {
			return nil // it consulted its quorum about who may read
		}
		return err
	}
}

// Peers counts the active ones in a leader's metrics, which are what etcd itself
// goes by. Where these are out of reach, it only tells whether there may be any.
func (p *prober) Peers(ctx context.Context, c stack.Container) int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	metrics, err := p.metrics(ctx, c)
	if err == nil {
		defer metrics.Close()
		return activePeers(metrics)
	}
	if errors.Is(err, errOutOfReach) && p.leads(ctx, c) {
		return math.MaxInt
	}
	return 0
}

// metrics are a member's, to be closed.
func (p *prober) metrics(ctx context.Context, c stack.Container) (io.ReadCloser, error) {
	address, ok := p.address(c)
	if !ok {
		return nil, errOutOfReach
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.access.url(c.Service)+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	etcd := &http.Client{Transport: &http.Transport{
		TLSClientConfig: p.access.tls, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	answer, err := etcd.Do(request)
	if err != nil {
		return nil, foreign(err)
	}
	return answer.Body, nil
}

// activePeers reads a member's metrics: none, unless it leads.
func activePeers(metrics io.Reader) int {
	n := 0
	for lines := bufio.NewScanner(metrics); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "etcd_server_is_leader 0":
			return 0
		case strings.HasPrefix(line, "etcd_network_active_peers{") && strings.HasSuffix(line, " 1"):
			n++
		}
	}
	return n
}

// Leader asks all members at the same time and takes the first in their order who
// says that it leads: right after a change there may be two.
func (p *prober) Leader(ctx context.Context, members []stack.Container) string {
	leads := make([]bool, len(members))
	var wg sync.WaitGroup
	for i, c := range members {
		wg.Go(func() { leads[i] = p.leads(ctx, c) })
	}
	wg.Wait()
	if i := slices.Index(leads, true); i >= 0 {
		return members[i].Service
	}
	return ""
}

func (p *prober) leads(ctx context.Context, c stack.Container) bool {
	leads := false
	err := p.ask(ctx, c, func(etcd *clientv3.Client) error {
		s, err := etcd.Status(ctx, etcd.Endpoints()[0])
		leads = err == nil && s.Leader == s.Header.MemberId
		return err
	})
	if errors.Is(err, errOutOfReach) {
		out, err := p.etcdctl(ctx, c, "endpoint", "status", "--write-out", "json")
		return err == nil && saysItLeads(out)
	}
	return leads
}

// saysItLeads reads what etcdctl endpoint status prints as JSON.
func saysItLeads(out []byte) bool {
	var answers []struct {
		Status struct {
			Header struct {
				MemberID uint64 `json:"member_id"`
			} `json:"header"`
			Leader uint64 `json:"leader"`
		}
	}
	return json.Unmarshal(out, &answers) == nil && len(answers) == 1 &&
		answers[0].Status.Leader == answers[0].Status.Header.MemberID
}

// errOutOfReach is for a member that cannot be asked over its network.
var errOutOfReach = errors.New("not reachable from here")

// ask connects to a member over its network.
func (p *prober) ask(ctx context.Context, c stack.Container, question func(*clientv3.Client) error) error {
	address, ok := p.address(c)
	if !ok {
		return errOutOfReach
	}
	return foreign(askAt(ctx, address, p.access.url(c.Service), p.access.tls, question))
}

// foreign recognises that the certificates here are of another cluster.
func foreign(err error) error {
	if strings.Contains(fmt.Sprint(err), "x509:") {
		return errOutOfReach
	}
	return err
}

// askAt puts a question to the member at an address, which is dialled before
// etcd's client is made: that one waits a second before it tries again, and a
// member that starts refuses connections for a few milliseconds.
func askAt(ctx context.Context, address, url string, tls *tls.Config, question func(*clientv3.Client) error) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	dialled := make(chan net.Conn, 1)
	dialled <- conn
	etcd, err := clientv3.New(clientv3.Config{
		Endpoints: []string{url}, TLS: tls, Context: ctx, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			select {
			case conn := <-dialled:
				return conn, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})},
	})
	if err != nil {
		return err
	}
	defer etcd.Close()
	return question(etcd)
}

func (a *access) url(host string) string {
	scheme := "https"
	if a.tls == nil {
		scheme = "http"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(cluster.ClientPort)))
}

// address is a member's on a network that this machine is on too.
func (p *prober) address(c stack.Container) (string, bool) {
	if p.access == nil || !p.local {
		return "", false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return "", false
	}
	for _, ip := range c.Addresses {
		if slices.ContainsFunc(own, func(a net.Addr) bool { return contains(a, ip) }) {
			return netip.AddrPortFrom(ip, cluster.ClientPort).String(), true
		}
	}
	return "", false
}

func contains(network net.Addr, ip netip.Addr) bool {
	prefix, err := netip.ParsePrefix(network.String())
	return err == nil && prefix.Contains(ip)
}

// etcdctl runs etcdctl beside the member, which finds its certificates in the
// environment.
func (p *prober) etcdctl(ctx context.Context, c stack.Container, args ...string) ([]byte, error) {
	var out, errOut bytes.Buffer
	code, err := stack.Exec(ctx, p.engine, c.ID, stack.Command{
		Args: append([]string{"/usr/local/bin/etcdctl"}, args...), Out: &out, Err: &errOut,
	})
	if err == nil && code != 0 {
		err = errors.New(finalLine(errOut.String()))
	}
	return out.Bytes(), err
}

func finalLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
