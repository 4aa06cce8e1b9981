package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CertsSpec is what a user wrote about certificates as time goes by.
type CertsSpec struct {
	// Renew is how long before its end a certificate is renewed, such as 30d.
	Renew string `key:"renew"`
	// RenewCommand is run by a shell for a certificate whose authority is elsewhere:
	// it reads a signing request and writes the certificate, with those of
	// intermediate authorities.
	RenewCommand string `key:"renew-command"`
}

// Renewal is when certificates are renewed, and how where their authority is
// elsewhere.
type Renewal struct {
	// Due is how long before its end a certificate is renewed. One that lives
	// shorter is renewed in the last third of its life.
	Due time.Duration
	// Command for a shell; empty: none.
	Command string
}

// DefaultRenewal is how long before its end a certificate is renewed.
const DefaultRenewal = 30 * day

const (
	day          = 24 * time.Hour
	leastRenewal = time.Minute
	mostRenewal  = 365 * day
)

// renewal decides about certificates as time goes by.
func (r *resolver) renewal() Renewal {
	s := r.spec.Certs
	renewal := Renewal{Due: DefaultRenewal, Command: strings.TrimSpace(s.RenewCommand)}
	if s.Renew == "" {
		return renewal
	}
	due, err := ParseDays(s.Renew)
	switch {
	case err != nil:
		r.report("certs.renew", "%v, not %q", err, s.Renew)
	case due < leastRenewal || due > mostRenewal:
		r.report("certs.renew", "must be from %s to %dd, not %s", leastRenewal, mostRenewal/day, s.Renew)
	default:
		renewal.Due = due
	}
	return renewal
}

// mostDays is 89 years, which no duration is too short for.
const mostDays = 1<<15 - 1

// ParseDays reads a duration that may be given in days too, as the life of a
// certificate is thought of: 90d, or 12h.
func ParseDays(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 15)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("must be a number of days from 1d to %dd", mostDays)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("must be a positive duration such as 90d or 12h")
	}
	return d, nil
}
