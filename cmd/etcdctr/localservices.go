package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/process"
)

// This file is what local processes find each other by: a DNS server that this
// program is, or an etcd of their own as discovery service.

// dnsProgram is the name that this binary is called by to be a DNS server.
const dnsProgram = "etcdctr-dns"

// resolvingProgram is the name that this binary is called by to become an etcd
// that asks the stack's DNS server.
const resolvingProgram = "etcdctr-resolving"

// What the DNS server is told, and what a member is told of it, in the
// environment.
const (
	dnsListenVariable = "ETCDCTR_DNS_LISTEN"
	dnsZoneVariable   = "ETCDCTR_DNS_ZONE"
	resolverVariable  = "ETCDCTR_RESOLVER"
)

// useOwnDNS adds the DNS server to a stack, and has its members ask it. The etcd
// inside this program does when it is told to. Any other goes by resolv.conf,
// where no port can be named, so the server is on port 53 then.
func useOwnDNS(s *process.Stack, c *cluster.Cluster, program program) error {
	if program.given && !mayChangeResolver() {
		return withHint(usage(fmt.Errorf("%s would ask this machine's DNS server for the members: only root on Linux can give it another one", program.path)),
			"leave --etcd-binary out, or use bootstrap: static or discovery")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program's file: %w", err)
	}
	address := dnsAddress(c, program.given)
	for i := range s.Members {
		m := &s.Members[i]
		m.Env = append(m.Env, resolverVariable+"="+address)
		if program.given {
			m.Path, m.Args = self, []string{resolvingProgram, program.path}
		}
	}
	s.Services = append(s.Services, process.Member{
		Name: cluster.DNSServerName, Path: self, Args: []string{dnsProgram},
		Env:     []string{dnsListenVariable + "=" + address, dnsZoneVariable + "=" + string(dns.Zone(c))},
		DataDir: filepath.FromSlash(c.DNS.Server.DataDir), Addresses: map[string]string{address: dnsPortUse},
	})
	return nil
}

// programOf is the program that a process is, or becomes.
func programOf(m process.Member) string {
	if m.Args[0] == resolvingProgram {
		return m.Args[1]
	}
	return m.Path
}

// dnsPort is where resolv.conf has a DNS server.
const dnsPort = 53

// dnsAddress is where the DNS server of local processes listens: on the port
// that is set aside for it, or on the usual one of an address of this machine
// that no other stack has.
func dnsAddress(c *cluster.Cluster, usual bool) string {
	if usual {
		first := c.Members[0].Place.ClientPort
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, dnsPort, byte(first >> 8), byte(first)}), dnsPort).String()
	}
	at := c.DNS.Server
	return netip.AddrPortFrom(at.Listen, uint16(at.ClientPort)).String()
}

// serveDNS is that server.
func serveDNS() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := dns.Listen(os.Getenv(dnsListenVariable), []byte(os.Getenv(dnsZoneVariable)))
	if err != nil {
		return err
	}
	return server.Serve(ctx)
}

// useResolver has this process ask the DNS server that its supervisor names, if
// it does.
func useResolver(server string) {
	if server != "" {
		net.DefaultResolver = dns.Resolver(server)
	}
}

// runResolving is a member that is another program than this one.
func runResolving() error {
	server, err := netip.ParseAddrPort(os.Getenv(resolverVariable))
	if err != nil || len(os.Args) != 2 {
		return fmt.Errorf("%s is not for people", resolvingProgram)
	}
	return execWithResolver(os.Args[1], []string{"etcd"}, os.Environ(), server.Addr().String(), ".")
}

// longestPreparation is how long services may take until members can start.
const longestPreparation = 30 * time.Second

// prepareServices returns when the members of a stack can find each other by
// its services.
func prepareServices(ctx context.Context, s process.Stack) error {
	ctx, cancel := context.WithTimeout(ctx, longestPreparation)
	defer cancel()
	for _, service := range s.Services {
		for address := range service.Addresses {
			if err := awaitListener(ctx, address); err != nil {
				return fmt.Errorf("%s does not start: %w", service.Name, err)
			}
		}
	}
	if tokens, ok := ownDiscovery(s); ok {
		return tokens.open(ctx)
	}
	return nil
}

func awaitListener(ctx context.Context, address string) error {
	return keepTrying(ctx, func() error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// keepTrying does something until it succeeds, and gives the last error once
// ctx ends.
func keepTrying(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(probeEvery):
		}
	}
}

// ownTokens are those of a stack at its own discovery service: one.
type ownTokens struct {
	stack   process.Stack
	service process.Member
}

func ownDiscovery(s process.Stack) (ownTokens, bool) {
	service, ok := process.Find(s.Services, cluster.DiscoveryServerName)
	return ownTokens{s, service}, ok
}

// token is that of the cluster.
func (t ownTokens) token() string { return settingIn(t.service.Env, "initial-cluster-token") }

// open has the token take the members of a cluster that has never formed. With
// data in any of them it has: see close.
func (t ownTokens) open(ctx context.Context) error {
	if t.formed() {
		return nil
	}
	return t.with(ctx, func(s *discovery.Service) error {
		return keepTrying(ctx, func() error {
			err := s.Register(ctx, t.token(), len(t.stack.Members))
			if errors.Is(err, discovery.ErrTokenExists) {
				return nil
			}
			return err
		})
	})
}

// close forgets the token once the cluster has formed. A member whose data is
// gone would otherwise register again under its old ID, join, and panic at the
// first entry that it once acknowledged.
func (t ownTokens) close(ctx context.Context) error {
	return t.with(ctx, func(s *discovery.Service) error {
		_, err := s.Status(ctx, t.token())
		if errors.Is(err, discovery.ErrUnknownToken) {
			return nil
		}
		return errors.Join(err, s.Remove(ctx, t.token()))
	})
}

// formed tells that a member has once started in its cluster. etcd makes its log
// then, not before.
func (t ownTokens) formed() bool {
	for _, m := range t.stack.Members {
		if _, err := os.Stat(filepath.Join(m.DataDir, "member", "wal")); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// with connects to the service, as its members do.
func (t ownTokens) with(ctx context.Context, do func(*discovery.Service) error) error {
	url := settingIn(t.service.Env, "advertise-client-urls")
	o := discovery.Options{Endpoints: []string{url}}
	switch cert := settingIn(t.service.Env, "cert-file"); {
	case cert != "":
		var err error
		if o.TLS, err = clientTLS(filepath.Dir(cert)); err != nil {
			return err
		}
	case strings.HasPrefix(url, "https:"):
		o.TLS = unverified()
	}
	s := discovery.NewV2(strings.TrimSuffix(discovery.V2URL(url, ""), "/"), o.TLS)
	if settingIn(t.service.Env, "enable-v2") == "" {
		var err error
		if s, err = discovery.New(ctx, o); err != nil {
			return err
		}
	}
	defer s.Close()
	return do(s)
}
