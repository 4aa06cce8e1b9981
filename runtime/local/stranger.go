package local

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listening"
	"github.com/etcdctr/etcdctr/process"
)

// This file keeps a second cluster from being founded beside one that runs.

// BesideError is about a cluster that is to be founded, and of which somebody else runs
// members already: they show certificates of its own authority.
type BesideError struct{ Name, Member, Address string }

func (e *BesideError) Error() string {
	return fmt.Sprintf("%s at %s shows a certificate of this folder's authority: %s runs already, started by something else", e.Member, e.Address, e.Name)
}

// oneDial is how long whoever listens may take to show a certificate.
const oneDial = 2 * time.Second

// checkBeside looks at who is in the way of members that begin. A folder of certificates
// that was named may be several clusters'.
func (r *Runtime) checkBeside(ctx context.Context, want *cluster.Cluster) error {
	if _, err := r.home(want.Name).Stack(); !errors.Is(err, process.ErrNoStack) || want.Spec.CertsDir != "" || want.TLS != cluster.Mutual {
		return nil
	}
	usual, err := r.usual(want)
	if err != nil {
		return err
	}
	for _, m := range usual.Members {
		text, err := os.ReadFile(filepath.FromSlash(m.Settings.Get("trusted-ca-file")))
		if err != nil {
			continue // it is not made yet, so nobody shows any of it
		}
		for address, use := range addresses(m) {
			if use == clientPortUse && listening.Taken(address) && showsOneOf(ctx, address, text) {
				return &BesideError{Name: want.Name, Member: m.Name, Address: address}
			}
		}
	}
	return nil
}

// showsOneOf tells whether who listens shows a certificate of one of these authorities.
func showsOneOf(ctx context.Context, address string, authorities []byte) bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	ctx, cancel := context.WithTimeout(ctx, oneDial)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	known := false
	config := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { // whatever name it has
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		known = err == nil
		return err
	}}
	_ = tls.Client(conn, config).HandshakeContext(ctx) // which fails for who has no certificate
	return known
}
