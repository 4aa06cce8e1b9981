package certs

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

// ledger is what an authority has issued and not yet seen expire, so that all
// certificates of a name can be revoked: also those that were renewed since,
// and those whose files are gone. The last one of each name stays after its end,
// because the ledger also tells which keys were made here and may be replaced.
// It is kept as issued.json beside the authority's key.
type ledger []issued

type issued struct {
	Serial   string     `json:"serial"` // as serialOf writes it
	Identity string     `json:"identity"`
	NotAfter time.Time  `json:"notAfter"`
	Revoked  *time.Time `json:"revoked,omitempty"`

	// Key is keyID of the certificate's key. Ledgers of earlier releases have
	// none.
	Key string `json:"key,omitempty"`

	// Brought is set where the key, or the certificate itself, was made
	// elsewhere: neither is replaced without its owner.
	Brought bool `json:"brought,omitempty"`
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

// withoutExpired forgets what nobody accepts any more, but for the last
// certificate of each name.
func (l ledger) withoutExpired(now time.Time) ledger {
	last := map[string]int{}
	for i, e := range l {
		last[e.Identity] = i
	}
	var kept ledger
	for i, e := range l {
		if e.NotAfter.After(now) || last[e.Identity] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// keyID tells keys apart: the SHA-256 sum of the public key, in hexadecimal
// digits.
func keyID(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "" // of a kind that no certificate carries
	}
	return fmt.Sprintf("%x", sha256.Sum256(der))
}

// madeKey reports whether a key was made here. cert is the certificate beside
// it, nil if there is none: all that an entry of an earlier release tells of a
// key is the certificate that it belongs to.
func (l ledger) madeKey(pub crypto.PublicKey, cert *x509.Certificate) bool {
	id := keyID(pub)
	belongs := cert != nil && keyID(cert.PublicKey) == id
	return slices.ContainsFunc(l, func(e issued) bool {
		if e.Brought {
			return false
		}
		return e.Key == id && id != "" || e.Key == "" && belongs && e.Serial == serialOf(cert)
	})
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
//
// What the list before has and the ledger does not, somebody else has revoked
// with the same authority: it stays.
func newCRL(l ledger, a *Authority, previous []byte, now time.Time, random io.Reader) ([]byte, error) {
	template := &x509.RevocationList{
		Number:                    big.NewInt(1),
		ThisUpdate:                now.Add(-backdate),
		NextUpdate:                a.notAfter(),
		RevokedCertificateEntries: l.entries(),
	}
	if last, err := x509.ParseRevocationList(previous); err == nil {
		if last.Number != nil {
			template.Number.Add(last.Number, template.Number)
		}
		for _, e := range last.RevokedCertificateEntries {
			if !lists(template, e.SerialNumber) {
				template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
					x509.RevocationListEntry{SerialNumber: e.SerialNumber, RevocationTime: e.RevocationTime})
			}
		}
	}
	return x509.CreateRevocationList(random, template, a.crlIssuer(), a.key)
}

// entries is what the ledger has revoked, as a list has it.
func (l ledger) entries() []x509.RevocationListEntry {
	var list []x509.RevocationListEntry
	for _, e := range l {
		if e.Revoked != nil {
			number, _ := new(big.Int).SetString(e.Serial, 16) // parseLedger has seen to it
			list = append(list, x509.RevocationListEntry{SerialNumber: number, RevocationTime: *e.Revoked})
		}
	}
	return list
}

// lists reports whether a certificate's number is on a revocation list.
func lists(list *x509.RevocationList, number *big.Int) bool {
	return slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return e.SerialNumber.Cmp(number) == 0
	})
}
