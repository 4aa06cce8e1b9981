package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"time"
)

// ledger is what an authority has issued and not yet seen expire, so that all
// certificates of a name can be revoked: also those that were renewed since,
// and those whose files are gone. It is kept as issued.json beside the
// authority's key.
type ledger []issued

type issued struct {
	Serial   string     `json:"serial"` // as serialOf writes it
	Identity string     `json:"identity"`
	NotAfter time.Time  `json:"notAfter"`
	Revoked  *time.Time `json:"revoked,omitempty"`
}

// serialOf is a certificate's serial number as openssl prints it.
func serialOf(cert *x509.Certificate) string { return fmt.Sprintf("%X", cert.SerialNumber) }

func parseLedger(data []byte) (ledger, error) {
	var l ledger
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	for _, e := range l {
		if n, ok := new(big.Int).SetString(e.Serial, 16); !ok || n.Sign() < 0 {
			return nil, fmt.Errorf("cannot be read: %q is no serial number in hexadecimal digits", e.Serial)
		}
	}
	return l, nil
}

func (l ledger) encode() ([]byte, error) {
	if l == nil {
		l = ledger{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(l)
	return out.Bytes(), err
}

// withoutExpired forgets what nobody accepts any more.
func (l ledger) withoutExpired(now time.Time) ledger {
	var kept ledger
	for _, e := range l {
		if e.NotAfter.After(now) {
			kept = append(kept, e)
		}
	}
	return kept
}

func (l ledger) has(cert *x509.Certificate) bool {
	number := serialOf(cert)
	for _, e := range l {
		if e.Serial == number {
			return true
		}
	}
	return false
}

// revoked tells when a certificate was revoked, nil if it was not.
func (l ledger) revoked(cert *x509.Certificate) *time.Time {
	number := serialOf(cert)
	for _, e := range l {
		if e.Serial == number {
			return e.Revoked
		}
	}
	return nil
}

// newCRL is the revocation list of the ledger, number one higher than the
// list that it follows.
//
// etcd compares serial numbers and looks at nothing else, the list's age
// included (3.5 to 3.7). Others that read it refuse an outdated list, and nobody
// comes by to sign a new one when nothing was revoked: it is therefore good for
// as long as its authority.
func newCRL(l ledger, a *Authority, previous []byte, now time.Time, random io.Reader) ([]byte, error) {
	template := &x509.RevocationList{
		Number:     big.NewInt(1),
		ThisUpdate: now.Add(-backdate),
		NextUpdate: a.notAfter(),
	}
	if last, err := x509.ParseRevocationList(previous); err == nil && last.Number != nil {
		template.Number.Add(last.Number, template.Number)
	}
	for _, e := range l {
		if e.Revoked == nil {
			continue
		}
		number, _ := new(big.Int).SetString(e.Serial, 16) // parseLedger has seen to it
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: number, RevocationTime: *e.Revoked})
	}
	return x509.CreateRevocationList(random, template, a.crlIssuer(), a.key)
}
