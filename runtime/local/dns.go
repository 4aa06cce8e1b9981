package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/process"
)

// This file is the DNS server that local processes find each other by.

// What the DNS server is told, and what a member is told of it, in the
// environment.
const (
	dnsListenVariable = "ETCDCTR_DNS_LISTEN"
	dnsZoneVariable   = "ETCDCTR_DNS_ZONE"
	resolverVariable  = "ETCDCTR_RESOLVER"
)

// ErrResolver is the error of a program that can't be given a DNS server here.
var ErrResolver = errors.New("only root on Linux can give another program than this one a DNS server")

// useOwnDNS adds the DNS server to a stack, and has its members ask it. The etcd
// inside this program does when it is told to. Any other goes by resolv.conf,
// where no port can be named, so the server is on port 53 then.
func (r *Runtime) useOwnDNS(s *process.Stack, c *cluster.Cluster, program program) error {
	if program.given && !mayChangeResolver() {
		return fmt.Errorf("%s would ask this machine's DNS server for the members: %w", program.Path, ErrResolver)
	}
	address := dnsAddress(c, program.given)
	for i := range s.Members {
		m := &s.Members[i]
		m.Env = append(m.Env, resolverVariable+"="+address)
		if program.given {
			m.Path, m.Args = r.o.Self, []string{resolvingProgram, program.Path}
		}
	}
	s.Services = append(s.Services, process.Member{
		Name: cluster.DNSServerName, Path: r.o.Self, Args: []string{dnsProgram},
		Env:     []string{dnsListenVariable + "=" + address, dnsZoneVariable + "=" + string(dns.Zone(c))},
		DataDir: filepath.FromSlash(c.DNS.Server.DataDir), Addresses: map[string]string{address: dnsPortUse},
	})
	return nil
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

// UseResolver has this process ask the DNS server that its supervisor names, if
// it names one. A program that is etcd itself calls it before it becomes that.
func UseResolver() {
	if server := os.Getenv(resolverVariable); server != "" {
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
