package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/etcdctr/etcdctr/cluster"
)

// Finding is one thing that is not as it has to be.
type Finding struct {
	Name    string `json:"name"`    // of the record
	Type    string `json:"type"`    // SRV, A or AAAA
	Problem string `json:"problem"` // what is wrong
	Remedy  string `json:"remedy"`  // what to do
}

// Timeout is for one question; there are three attempts.
const timeout = 2 * time.Second

// Check asks a DNS server, by its host, with its port unless that is DNS's own, whether it
// has the cluster's records, all of them and no others of the same names. The error is that of a
// server that does not answer.
func Check(ctx context.Context, server string, c *cluster.Cluster) ([]Finding, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(server, "53")
	}
	k := &checker{server: server}
	wanted := c.Records()
	for _, name := range questions(wanted) {
		k.compare(ctx, name, wanted)
	}
	for _, name := range c.DNS.OtherScheme(c.TLS) {
		k.absent(ctx, name, c.TLS)
	}
	return k.findings, k.err
}

// question is a name and a type.
type question struct{ name, kind string }

// questions lists what to ask: each pair once, in order. A host is asked for
// both kinds of address, as etcd does.
func questions(records []cluster.Record) []question {
	var list []question
	add := func(q question) {
		if !slices.Contains(list, q) {
			list = append(list, q)
		}
	}
	for _, r := range records {
		if r.Type == "SRV" {
			add(question{r.Name, "SRV"})
			continue
		}
		add(question{r.Name, "A"})
		add(question{r.Name, "AAAA"})
	}
	return list
}

// checker asks one server and collects what is wrong.
type checker struct {
	server   string
	findings []Finding
	err      error
}

func (k *checker) report(q question, problem, remedy string) {
	k.findings = append(k.findings, Finding{q.name, q.kind, problem, remedy})
}

// compare asks one question and compares the answers with what is wanted.
func (k *checker) compare(ctx context.Context, q question, wanted []cluster.Record) {
	got, ok := k.ask(ctx, q)
	if !ok {
		return
	}
	var want []string
	for _, r := range wanted {
		if (question{r.Name, r.Type}) == q {
			want = append(want, fact(r))
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			k.report(q, "lacks "+w, "add the record: without it, members that start now leave one another out")
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			k.report(q, "has "+g+" too", "remove the record: members would count with a member that the cluster does not have")
		}
	}
}

// absent reports records for the other kind of connection: etcd merges both.
func (k *checker) absent(ctx context.Context, name string, tls cluster.TLSMode) {
	q := question{name, "SRV"}
	got, _ := k.ask(ctx, q)
	for _, g := range got {
		k.report(q, "has "+g, fmt.Sprintf("remove the record: with tls: %s it is for the wrong scheme, and etcd takes it as one more member", tls))
	}
}

// fact is what matters of a record to etcd: not priority and weight.
func fact(r cluster.Record) string {
	if r.Type == "SRV" {
		return fmt.Sprintf("%s port %d", strings.ToLower(r.Target), r.Port)
	}
	return r.Address.String()
}

// ask gives the facts that the server answers with. After a server has failed
// to answer it is not asked again.
func (k *checker) ask(ctx context.Context, q question) ([]string, bool) {
	if k.err != nil {
		return nil, false
	}
	m := new(dns.Msg).SetQuestion(q.name, dns.StringToType[q.kind])
	answer, err := exchange(ctx, m, k.server)
	if err != nil {
		k.err = fmt.Errorf("no answer from the DNS server %s: %w", k.server, err)
		return nil, false
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		k.report(q, "is answered with "+dns.RcodeToString[answer.Rcode], "have the server serve the domain")
		return nil, false
	}
	var facts []string
	for _, rr := range answer.Answer {
		if r, ok := record(rr); ok && strings.EqualFold(rr.Header().Name, q.name) && r.Type == q.kind {
			facts = append(facts, fact(r))
		}
	}
	return facts, true
}

// exchange asks by UDP, as resolvers do, and by TCP when that was too short.
func exchange(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
	udp, tcp := dns.Client{Timeout: timeout}, dns.Client{Net: "tcp", Timeout: timeout}
	m.SetEdns0(1232, false)
	var answer *dns.Msg
	var err error
	for range 3 {
		if answer, _, err = udp.ExchangeContext(ctx, m, server); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err == nil && answer.Truncated {
		answer, _, err = tcp.ExchangeContext(ctx, m, server)
	}
	return answer, err
}

// record translates what a server says.
func record(rr dns.RR) (cluster.Record, bool) {
	r := cluster.Record{Name: rr.Header().Name, Type: dns.TypeToString[rr.Header().Rrtype]}
	switch rr := rr.(type) {
	case *dns.SRV:
		r.Target, r.Port = rr.Target, int(rr.Port)
	case *dns.A:
		r.Address = addr(rr.A)
	case *dns.AAAA:
		r.Address = addr(rr.AAAA)
	default:
		return r, false
	}
	return r, true
}

func addr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
