package hosts

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/url"

	"github.com/etcdctr/etcdctr/cluster"
)

// OldCopies are the members that answer and show their clients another certificate than
// there is here. Who is revoked does not show.
func (r *Runtime) OldCopies(ctx context.Context, want *cluster.Cluster) ([]string, error) {
	var old []string
	for _, m := range want.Members {
		own, err := r.o.Shows(m.Name)
		if err != nil {
			return nil, err
		}
		if shown := r.shown(ctx, m.ClientURL()); own != nil && shown != nil && !bytes.Equal(shown, own) {
			old = append(old, m.Name)
		}
	}
	return old, nil
}

// shown is the certificate, as DER, that is shown at a client URL; nil where nobody shows
// one. What comes of the handshake does not matter: it is shown before it is told who asks.
func (r *Runtime) shown(ctx context.Context, clientURL string) (der []byte) {
	u, err := url.Parse(clientURL)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, oneQuestion)
	defer cancel()
	conn, err := r.o.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return nil
	}
	defer conn.Close()
	looks := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // it is compared as a whole
		der = s.PeerCertificates[0].Raw
		return nil
	}}
	_ = tls.Client(conn, looks).HandshakeContext(ctx) // see above
	return der
}

// runs is the digest of what a member is started by.
func (r *Runtime) runs(ctx context.Context, want *cluster.Cluster, member string) (string, error) {
	data, err := r.o.Runs(ctx, want, member)
	return digest(data), err
}
