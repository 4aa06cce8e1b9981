package doctor

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/health"
)

func TestAllThatHasExpiredIsNamedAtOnce(t *testing.T) {
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	shown := func(use string, life, since time.Duration) health.Certificate {
		end := now.Add(-since)
		return health.Certificate{Use: use, NotBefore: end.Add(-life), NotAfter: end}
	}
	const day = 24 * time.Hour
	member := func(name string, shows ...health.Certificate) health.MemberReport {
		return health.MemberReport{Name: name, ReadMillis: 1, Certificates: shows}
	}
	const peerExpired = `{"level":"warn","msg":"prober detected unhealthy status","error":"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time"}`
	tests := map[string]struct {
		answers []health.MemberReport
		log     []string // of etcd2, which does not serve then
		member  string
		cause   string
	}{
		"of one member": {
			answers: []health.MemberReport{member("etcd1", shown("server", 365*day, 3*day)), member("etcd2", shown("server", 365*day, -day))},
			member:  "etcd1",
			cause:   "expired: the server certificate of etcd1, since 2030-05-29; they were good for 365 days: `etcdctr certs run` renews each as its time comes",
		},
		"of all, which live for hours": {
			answers: []health.MemberReport{
				member("etcd1", shown("server", 12*time.Hour, time.Hour), shown("peer", 12*time.Hour, time.Hour), shown("client", 12*time.Hour, time.Hour)),
				member("etcd2", shown("server", 12*time.Hour, 2*time.Hour), shown("client", 12*time.Hour, time.Hour)),
			},
			member: "etcd1",
			cause: "expired: the server and peer certificates of etcd1, the server certificate of etcd2, the client certificate that members are asked with, " +
				"since 2030-06-01 10:00 UTC; they were good for 12 hours: `etcdctr certs run` renews each as its time comes",
		},
		"of which a log knows one": {
			answers: []health.MemberReport{
				member("etcd1", shown("peer", 12*time.Hour, time.Hour)),
				{Name: "etcd2", Error: "silent", Certificates: []health.Certificate{shown("peer", 12*time.Hour, time.Hour)}},
			},
			log:    []string{peerExpired},
			member: "etcd2",
			cause: "expired: the peer certificate of etcd2, the peer certificate of etcd1, since 2030-06-01 11:00 UTC; " +
				"they were good for 12 hours: `etcdctr certs run` renews each as its time comes",
		},
		"of which only a log tells": {
			answers: []health.MemberReport{member("etcd1"), {Name: "etcd2", Error: "silent"}},
			log:     []string{peerExpired},
			member:  "etcd2",
			cause:   "a certificate has expired, or the clock is wrong",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := Evidence{Now: now, Members: []Member{{Name: "etcd1", Status: Running}, {Name: "etcd2", Status: Running, Log: tt.log}}}
			e.Add(health.Report{Time: now, Members: tt.answers})
			d, _ := Diagnose(e)
			if d.Member != tt.member || d.Cause != tt.cause || d.Command != "etcdctr certs renew" {
				t.Errorf("got %s: %s\n(%s)\nwant %s: %s", d.Member, d.Cause, d.Command, tt.member, tt.cause)
			}
		})
	}
}
