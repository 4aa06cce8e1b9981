package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
)

// Reason is why an engine does not answer.
type Reason string

// The reasons.
const (
	Nobody      Reason = "nobody answers"
	Forbidden   Reason = "this user may not talk to it"
	Untrusted   Reason = "its certificate is not trusted here"
	NotAccepted Reason = "it does not accept the certificate that it is shown"
	OnlyTLS     Reason = "it takes nothing but TLS"
	BySSH       Reason = "ssh does not lead to it"
	NoEngine    Reason = "something else answers"
)

// SilentError is about an engine that does not answer. It is
// runtime.ErrUnavailable where nobody answers on this machine: whoever has named
// the engine of another machine wants that one, and nothing in its place.
type SilentError struct {
	Place  string
	Reason Reason
	Detail string // in the words of what was asked; may be empty
	Err    error
}

func (e *SilentError) Error() string {
	switch e.Reason {
	case Nobody:
		return "no Docker Engine answers: " + e.Detail
	case BySSH:
		return fmt.Sprintf("no Docker Engine answers at %s: %s", e.Place, e.Detail)
	case Forbidden:
		return "this user may not talk to the Docker Engine at " + e.Place
	case Untrusted:
		return fmt.Sprintf("the Docker Engine at %s shows a certificate that is not trusted here: %s", e.Place, e.Detail)
	case NotAccepted:
		return fmt.Sprintf("the Docker Engine at %s does not accept the certificate that it is shown: %s", e.Place, e.Detail)
	case OnlyTLS:
		return fmt.Sprintf("the Docker Engine at %s takes nothing but TLS", e.Place)
	}
	return fmt.Sprintf("the Docker Engine at %s does not answer as one: %s", e.Place, e.Detail)
}

func (e *SilentError) Unwrap() error { return e.Err }

// Is makes it runtime.ErrUnavailable where another runtime can do as well, and the same
// as what the engine gives who asks it again.
func (e *SilentError) Is(target error) bool {
	if again, ok := target.(*SilentError); ok {
		return again.Place == e.Place && again.Reason == e.Reason
	}
	local := strings.HasPrefix(e.Place, "unix://") || strings.HasPrefix(e.Place, "npipe://")
	return target == runtime.ErrUnavailable && e.Reason == Nobody && local
}

// explain tells apart the reasons for which an engine does not answer. Only those
// that have a type have kept it on the way here.
func explain(place string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	silent := &SilentError{Place: place, Detail: err.Error(), Err: err}
	verification := (*tls.CertificateVerificationError)(nil)
	switch text := err.Error(); {
	case isSSH(place):
		silent.Reason, silent.Detail = BySSH, strings.TrimSpace(after(text, "stderr="))
	case strings.Contains(text, "permission denied"):
		silent.Reason = Forbidden
	case errors.As(err, &verification):
		silent.Reason, silent.Detail = Untrusted, verification.Err.Error()
	case strings.Contains(text, "remote error: tls: "):
		silent.Reason, silent.Detail = NotAccepted, after(text, "remote error: ")
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		silent.Reason = OnlyTLS
	case !client.IsErrConnectionFailed(err):
		silent.Reason = NoEngine
	default:
		silent.Reason = Nobody
	}
	return silent
}

// after gives what follows a mark, or all of a text without it.
func after(text, mark string) string {
	if _, rest, found := strings.Cut(text, mark); found {
		return rest
	}
	return text
}
