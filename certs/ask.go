package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// What a running server trusts is not in any file: it has read them when it
// started. But it can be asked, by showing it a certificate of the authority in
// question: a server that does not trust it breaks the handshake off.

// Dial opens a connection, as (*net.Dialer).DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Listener is a running member and where it listens, host:port.
type Listener struct {
	Member       string
	Client, Peer string
}

const (
	// questionTimeout bounds one question.
	questionTimeout = 10 * time.Second
	// silence is how long a server that has been shown a certificate in TLS 1.3
	// may say nothing until that counts as consent: the refusal comes after the
	// handshake there.
	silence = time.Second
	// questionLifetime is that of the certificates that are shown.
	questionLifetime = 10 * time.Minute
)

// Ask asks every server about every authority that is being replaced: about one
// that is to issue next, and about one that is trusted no longer.
func (p *PKI) Ask(ctx context.Context, dial Dial, servers []Listener) ([]Answer, error) {
	s, err := p.observe()
	if err != nil {
		return nil, err
	}
	var answers []Answer
	var errs []error
	for _, a := range s.authorities {
		for _, role := range []Role{Next, Gone} {
			about := a.roles()[role]
			if about == nil {
				continue
			}
			if about.key == nil {
				errs = append(errs, a.unaskable(role))
				continue
			}
			more, err := p.askAll(ctx, s, dial, servers, a.name, about)
			for i := range more {
				more[i].Role = role
			}
			answers, errs = append(answers, more...), append(errs, err)
		}
	}
	return answers, errors.Join(errs...)
}

// unaskable is the error of an authority whose key is not here. Who has taken it away has it
// as tls.key, and that is another one's by now.
func (a *authority) unaskable(role Role) error {
	which, file := "next", nextKeyFile
	if role == Gone {
		_, file = a.goneFiles()
		which = "old"
		if a.aborted {
			which = "aborted"
		}
	}
	return fmt.Errorf("authority %[1]s: the key of the %[2]s one is not here, so that no member can be asked about it: put it at %[1]s/%[3]s until the replacement is over, and leave %[1]s/%[4]s as it is",
		a.name, which, file, KeyFile)
}

func (p *PKI) askAll(ctx context.Context, s *state, dial Dial, servers []Listener, name string, about *Authority) ([]Answer, error) {
	var answers []Answer
	var errs []error
	for _, server := range servers {
		trusts := true
		for _, port := range server.ports(name) {
			accepted, err := p.askOne(ctx, s, dial, port, about)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s cannot be asked what it trusts: %w", server.Member, err))
			}
			trusts = trusts && accepted
		}
		answers = append(answers, Answer{Member: server.Member, Authority: name, Trusts: trusts})
	}
	return answers, errors.Join(errs...)
}

// port is where to ask, and as whom.
type port struct{ address, as string }

// ports are where an authority's certificates are shown to a server: as those
// whom it sees there every day, since it may look at names too.
func (s Listener) ports(authority string) []port {
	client, peer := port{s.Client, "clients/root"}, port{s.Peer, "members/" + s.Member + "/peer"}
	switch authority {
	case clientCA:
		return []port{client}
	case peerCA:
		return []port{peer}
	}
	return []port{client, peer}
}

func (p *PKI) askOne(ctx context.Context, s *state, dial Dial, at port, about *Authority) (bool, error) {
	pair, err := p.question(s, at.as, about)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	return accepts(ctx, dial, at.address, pair)
}

// question is a certificate of an authority, good for a few minutes, that says
// what the identity's own says.
func (p *PKI) question(s *state, as string, issuer *Authority) (tls.Certificate, error) {
	want := identity{place: place{name: as, profile: Client}, lifetime: questionLifetime}
	if memberOf(as) != "" {
		want.profile = Peer
	}
	if e := s.find(as); e != nil && e.files.certificate() != nil {
		want.rawSubject, want.hosts = e.files.cert().RawSubject, hostsOf(e.files.cert())
	} else {
		want.commonName = "root"
	}
	key, err := newKey(DefaultKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := want.template(DefaultKey, p.now(), issuer.notAfter())
	if template.SerialNumber, err = newSerial(p.random()); err != nil {
		return tls.Certificate{}, err
	}
	cert, err := sign(template, issuer.cert(), key.Public(), issuer.key, p.random())
	if err != nil {
		return tls.Certificate{}, err
	}
	pair := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for _, c := range issuer.intermediates() {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

// accepts reports whether a server goes on after it was shown a certificate. In
// TLS 1.2 that is part of the handshake, so it is tried first.
func accepts(ctx context.Context, dial Dial, address string, pair tls.Certificate) (bool, error) {
	accepted, err := shake(ctx, dial, address, pair, tls.VersionTLS12)
	if errors.Is(err, errNoVersion) {
		accepted, err = shake(ctx, dial, address, pair, tls.VersionTLS13)
	}
	return accepted, err
}

// errNoVersion is the error of a server that speaks TLS 1.3 alone.
var errNoVersion = errors.New("the server does not speak that version of TLS")

func shake(ctx context.Context, dial Dial, address string, pair tls.Certificate, version uint16) (bool, error) {
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return false, err
	}
	defer raw.Close()
	asked := false
	conn := tls.Client(raw, &tls.Config{
		MinVersion: version, MaxVersion: version,
		NextProtos:         []string{"h2"},
		InsecureSkipVerify: true, //nolint:gosec // it is asked whom it trusts, and told nothing
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &pair, nil
		},
	})
	err = conn.HandshakeContext(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, err
	case err != nil && !asked && version == tls.VersionTLS12:
		return false, errors.Join(errNoVersion, err)
	case err != nil && asked:
		return false, nil // by an alert, or by a reset that has overtaken it
	case err != nil:
		return false, err
	case !asked:
		return false, errors.New("it asks nobody for a certificate")
	case version == tls.VersionTLS12:
		return true, nil
	}
	return listen(conn)
}

// listen waits for the refusal that TLS 1.3 has after the handshake.
func listen(conn *tls.Conn) (bool, error) {
	if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return false, err
	}
	_, err := conn.Read(make([]byte, 1))
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.EOF):
		return true, nil
	}
	return false, nil
}
