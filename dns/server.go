package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// Server answers for the records of one zone file, and knows no other name. It
// is for members that are processes of one machine, and for stacks that have no
// CoreDNS, which does the same.
type Server struct {
	records []dns.RR
	udp     net.PacketConn
	tcp     net.Listener
}

// Listen has a server listen on an address such as 127.0.0.1:53, where resolvers
// ask by UDP and, after an answer that was too long for that, by TCP.
func Listen(address string, zone []byte) (*Server, error) {
	records, err := readZone(zone)
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve DNS: %w", err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot serve DNS: %w", err), tcp.Close())
	}
	return &Server{records, udp, tcp}, nil
}

func readZone(zone []byte) ([]dns.RR, error) {
	var records []dns.RR
	parser := dns.NewZoneParser(strings.NewReader(string(zone)), "", ZoneName)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records = append(records, rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the zone: %w", err)
	}
	return records, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.udp.LocalAddr().String() }

// Serve answers until ctx ends, which is no error.
func (s *Server) Serve(ctx context.Context) error {
	udp := &dns.Server{PacketConn: s.udp, Handler: dns.HandlerFunc(s.answer)}
	tcp := &dns.Server{Listener: s.tcp, Handler: dns.HandlerFunc(s.answer)}
	ended := make(chan error, 2)
	go func() { ended <- udp.ActivateAndServe() }()
	go func() { ended <- tcp.ActivateAndServe() }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	return errors.Join(err, s.udp.Close(), s.tcp.Close())
}

// answer tells a name without such a record from a name that does not exist:
// resolvers ask for both kinds of address at once, and give up on the name when
// one of the answers is that it does not exist.
func (s *Server) answer(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	a.Authoritative, a.Rcode = true, dns.RcodeNameError
	if len(q.Question) == 1 {
		for _, rr := range s.records {
			if !strings.EqualFold(rr.Header().Name, q.Question[0].Name) {
				continue
			}
			a.Rcode = dns.RcodeSuccess
			if rr.Header().Rrtype == q.Question[0].Qtype {
				a.Answer = append(a.Answer, rr)
			}
		}
	}
	if w.LocalAddr().Network() == "udp" {
		a.Truncate(room(q))
	}
	_ = w.WriteMsg(a) // whoever asked asks again
}

// room is how long an answer by UDP may be.
func room(q *dns.Msg) int {
	if o := q.IsEdns0(); o != nil {
		return int(o.UDPSize())
	}
	return dns.MinMsgSize
}

// Resolver asks one server only, whatever the machine's own are. What is in
// the machine's hosts file it knows too.
func Resolver(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}
