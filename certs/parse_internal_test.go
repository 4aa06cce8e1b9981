package certs

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"strings"
	"sync"
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

// What is known of a signature is known of that one alone.
func TestASignatureIsThatOfOneAuthority(t *testing.T) {
	made := func() *Authority {
		a, err := newAuthority(pkix.Name{CommonName: "etcd CA"}, ECDSAP256, time.Now(), time.Hour, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	one, other, s := made(), made(), &state{signatures: new(sync.Map)}
	for range 2 {
		for _, a := range []*Authority{one, other} {
			if got := s.signedBy(one.cert(), a); got != (a == one) {
				t.Errorf("of the first of two authorities, %t: it is said to have signed the first's certificate: %t", a == one, got)
			}
		}
	}
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

// What readers of PEM pass over in silence is not left out in silence here.
func TestEveryCertificateInAFileIsReadOrNone(t *testing.T) {
	ca, err := newAuthority(pkix.Name{CommonName: "ca"}, Ed25519, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one, mark := encodeCertificates(ca.chain...), []byte("\xef\xbb\xbf")
	tests := map[string]struct {
		parts [][]byte
		want  int // 0: an error
	}{
		"two":                       {[][]byte{one, one}, 2},
		"text around":               {[][]byte{[]byte("an authority\n"), one, []byte("its end\n")}, 1},
		"line ends of Windows":      {[][]byte{bytes.ReplaceAll(one, []byte("\n"), []byte("\r\n"))}, 1},
		"no line end between":       {[][]byte{bytes.TrimSpace(one), one}, 0},
		"the second is cut off":     {[][]byte{one, one[:len(one)/2]}, 0},
		"a byte order mark":         {[][]byte{mark, one}, 0},
		"such a mark, and then two": {[][]byte{mark, one, one}, 0},
		"nothing":                   {nil, 0},
	}
	for name, test := range tests {
		got, err := parseCertificates(bytes.Join(test.parts, nil))
		if len(got) != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s: %d certificates, want %d; the error is %v", name, len(got), test.want, err)
		}
	}
}
