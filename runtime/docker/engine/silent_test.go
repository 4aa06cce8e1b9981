package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
)

// What the real causes look like is tried on engines in e2e; here is that each
// of them finds its own words, and which of them lets another runtime take over.
func TestReasonsForSilenceAreToldApart(t *testing.T) {
	said := func(text string) error { return fmt.Errorf("docker: %s", text) }
	verification := fmt.Errorf("ping: %w", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})
	for what, test := range map[string]struct {
		place  string
		err    error
		reason Reason
		want   string
	}{
		"forbidden":      {"unix:///s", errors.New("permission denied while trying to connect"), Forbidden, "this user may not talk to the Docker Engine at unix:///s"},
		"untrusted":      {"tcp://e:2376", verification, Untrusted, "the Docker Engine at tcp://e:2376 shows a certificate that is not trusted here: x509: "},
		"not trusted":    {"tcp://e:2376", errors.New("Get: remote error: tls: bad certificate"), NotAccepted, "does not accept the certificate that it is shown: tls: bad certificate"},
		"in plain text":  {"tcp://e:2376", said("Client sent an HTTP request to an HTTPS server."), OnlyTLS, "takes nothing but TLS"},
		"by ssh":         {"ssh://e", said("command [ssh] has exited: stderr=Permission denied (publickey).\n"), BySSH, "no Docker Engine answers at ssh://e: Permission denied (publickey)."},
		"something else": {"tcp://e:80", said("404 page not found"), NoEngine, "the Docker Engine at tcp://e:80 does not answer as one: docker: 404 page not found"},
	} {
		t.Run(what, func(t *testing.T) {
			err := explain(test.place, test.err)
			silent := (*SilentError)(nil)
			if !errors.As(err, &silent) || silent.Reason != test.reason || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
			if errors.Is(err, runtime.ErrUnavailable) {
				t.Error("another runtime would take over")
			}
			if !errors.Is(err, explain(test.place, test.err)) || errors.Is(err, explain("unix:///elsewhere", test.err)) {
				t.Error("it is not told that the same engine says the same again")
			}
		})
	}
	if err := explain("unix:///s", context.Canceled); !errors.Is(err, context.Canceled) || errors.As(err, new(*SilentError)) {
		t.Errorf("an interrupted question gives %v", err)
	}
}

// Nobody answers at a socket that is not there, nor at a port that nobody listens on.
func TestAnotherRuntimeTakesOverFromThisMachinesEngineOnly(t *testing.T) {
	for place, want := range map[string]bool{
		"unix://" + filepath.Join(t.TempDir(), "s"): true,
		"tcp://127.0.0.1:1":                         false,
	} {
		t.Setenv("DOCKER_HOST", place)
		_, err := Connect(t.Context(), "test")
		silent := (*SilentError)(nil)
		if !errors.As(err, &silent) || silent.Reason != Nobody || silent.Place != place {
			t.Errorf("%s: %v", place, err)
		}
		if errors.Is(err, runtime.ErrUnavailable) != want {
			t.Errorf("%s: another runtime takes over: %t", place, !want)
		}
	}
}

func TestAPlaceThatCannotBeIsNoSilence(t *testing.T) {
	t.Setenv("DOCKER_HOST", "nowhere")
	if _, err := Find("test"); !errors.As(err, new(*PlaceError)) {
		t.Errorf("the error is %v", err)
	}
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "none-of-this-name")
	if _, err := Find("test"); !errors.As(err, new(*ContextError)) {
		t.Errorf("the error is %v", err)
	}
}
