package certs

import (
	"strings"
	"testing"
	"time"
)

// Whatever is in a file, reading it ends in an answer.

func FuzzParseKey(f *testing.F) {
	key, err := newKey(Ed25519)
	if err != nil {
		f.Fatal(err)
	}
	pem, err := encodeKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem)
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: x\n\nAAAA\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := parseKey(data)
		if err != nil {
			return
		}
		if _, err := encodeKey(key); err != nil {
			t.Errorf("a key that was read cannot be written: %v", err)
		}
	})
}

func FuzzParseCertificates(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseCertificates(data)
		if (err == nil) != (len(list) > 0) {
			t.Errorf("%d certificates, error %v", len(list), err)
		}
	})
}

func FuzzParseLedger(f *testing.F) {
	f.Add([]byte(`[{"serial": "A5", "identity": "clients/root", "notAfter": "2030-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{"serial": "-1"}, {"serial": ""}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLedger(data)
		if err != nil {
			return
		}
		out, err := l.encode()
		if err != nil {
			return // a year of five digits has no JSON form
		}
		if again, err := parseLedger(out); err != nil || len(again) != len(l) {
			t.Errorf("%d entries came back as %d: %v", len(l), len(again), err)
		}
	})
}

func TestExpiredEntriesAreForgotten(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l := ledger{{Serial: "A", NotAfter: now}, {Serial: "B", NotAfter: now.Add(time.Second)}}
	var kept []string
	for _, e := range l.withoutExpired(now) {
		kept = append(kept, e.Serial)
	}
	if got := strings.Join(kept, ","); got != "B" {
		t.Errorf("kept %s", got)
	}
}
