package main

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
)

// Several looks fall into the last third of the shortest life, when it is to be renewed.
func TestShortLivesAreLookedAtOftener(t *testing.T) {
	living := func(life time.Duration, is certs.Status) certs.Certificate {
		return certs.Certificate{NotAfter: time.Unix(0, 0).Add(life), NotBefore: time.Unix(0, 0), Status: is}
	}
	year := living(365*24*time.Hour, certs.Valid)
	for _, c := range []struct {
		all  []certs.Certificate
		want time.Duration
	}{
		{nil, time.Hour},
		{[]certs.Certificate{year, {Status: certs.Broken}}, time.Hour},
		{[]certs.Certificate{year, living(3*time.Minute, certs.Valid)}, 15 * time.Second},
		{[]certs.Certificate{year, living(3*time.Minute, certs.IsRevoked)}, time.Hour},
		{[]certs.Certificate{living(time.Second, certs.Valid)}, time.Second},
	} {
		if got := untilNextLook(c.all); got != c.want {
			t.Errorf("%v: next in %s, want %s", c.all, got, c.want)
		}
	}
}
