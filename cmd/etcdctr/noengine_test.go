package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What the real causes look like is tried on engines in e2e; here is that each
// of them finds its own words, and which of them lets processes take over.
func TestReasonsForNoEngineAreToldApart(t *testing.T) {
	said := func(text string) error { return fmt.Errorf("docker: %s", text) }
	verification := fmt.Errorf("ping: %w", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})
	for what, test := range map[string]struct {
		place string
		err   error
		want  string
	}{
		"interrupted":    {"unix:///s", context.Canceled, "context canceled"},
		"forbidden":      {"unix:///s", errors.New("permission denied while trying to connect"), "this user may not talk to the Docker Engine at unix:///s"},
		"untrusted":      {"tcp://e:2376", verification, "the Docker Engine at tcp://e:2376 shows a certificate that is not trusted here: x509: "},
		"not trusted":    {"tcp://e:2376", errors.New("Get: remote error: tls: bad certificate"), "does not accept the certificate that it is shown: tls: bad certificate"},
		"in plain text":  {"tcp://e:2376", said("Client sent an HTTP request to an HTTPS server."), "takes nothing but TLS"},
		"by ssh":         {"ssh://e", said("command [ssh] has exited: stderr=Permission denied (publickey).\n"), "no Docker Engine answers at ssh://e: Permission denied (publickey)."},
		"something else": {"tcp://e:80", said("404 page not found"), "the Docker Engine at tcp://e:80 does not answer as one: docker: 404 page not found"},
	} {
		t.Run(what, func(t *testing.T) {
			err := explainNoEngine(test.place, test.err)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
			if errors.Is(err, errNoEngine) {
				t.Error("processes would take over")
			}
		})
	}
	silence := errors.New("nobody")
	if !errors.Is(notAnswering("unix:///s", silence), errNoEngine) {
		t.Error("processes do not take over from this machine's engine")
	}
	if err := notAnswering("tcp://e:2376", silence); errors.Is(err, errNoEngine) || !errors.Is(err, silence) {
		t.Errorf("an engine elsewhere gives %v", err)
	}
}
