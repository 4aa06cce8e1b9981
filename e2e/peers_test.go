//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"
)

// TestPeersAsEtcdJudgesThem asks the peer port with what TestClientsAsEtcdJudgesThem
// asks the client port with. A peer's certificate has to be for the address
// that it comes from, too.
func TestPeersAsEtcdJudgesThem(t *testing.T) {
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	const hour = time.Hour
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		ca := c.authority("ca/peer")
		for _, test := range []struct {
			name     string
			pair     *tls.Certificate
			accepted bool
		}{
			{"a member's", c.pair("members/etcd2/peer"), true},
			{"crafted as a member's is", ca.craft(t, -hour, hour, both, c.host), true},
			{"none at all", nil, false},
			{"of another address", ca.craft(t, -hour, hour, both, "10.0.0.1"), false},
			{"server only", ca.craft(t, -hour, hour, both[:1], c.host), false},
			{"expired", ca.craft(t, -2*hour, -hour, both, c.host), false},
			{"not yet valid", ca.craft(t, hour, 2*hour, both, c.host), false},
			{"of the wrong authority", craftAuthority(t).craft(t, -hour, hour, both, c.host), false},
			{"of the clients' authority", c.authority("ca/client").craft(t, -hour, hour, both, c.host), false},
			{"a client's", c.pair("clients/root"), false},
		} {
			_, err := c.askPeerPort(c.members[0], test.pair)
			if accepted := err == nil; accepted != test.accepted {
				t.Errorf("%s: accepted: %v, wanted %v (%v)", test.name, accepted, test.accepted, err)
			}
		}
	})
}

func TestNoPortTalksPlainTextOrOldTLS(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		m := c.members[0]
		for port, as := range map[string]string{m.client: "clients/root", m.peer: "members/etcd2/peer"} {
			pair, roots := c.identity(as) // the authority of one port is that of all who come there
			good := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: m.name}
			wantAccepted(t, as+" with today's TLS", handshake(port, good))
			wantRefused(t, as+" with TLS 1.1", handshake(port, tls11(good)))
			wantRefused(t, "plain text where "+as+" goes", plainText(port))
		}
	})
}
