package certs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// fiveOf is a cluster of five that another one shares its folder with, and a roster of three.
func fiveOf(t *testing.T) *testPKI {
	t.Helper()
	p := newPKI(t)
	plan := certs.Plan{Cluster: "orders", Clients: []certs.ClientIdentity{{Name: "root"}}}
	for _, name := range []string{"etcd1", "etcd2", "etcd3", "etcd4", "etcd5"} {
		plan.Members = append(plan.Members, certs.Member{Name: name})
	}
	p.ensure(plan)
	p.ensure(certs.Plan{Cluster: "stock", Members: []certs.Member{{Name: "stock1"}}})
	p.Roster = &certs.Roster{Cluster: "orders", Members: []string{"etcd1", "etcd2", "etcd3"}}
	return p
}

var ofTheLeft = []string{"members/etcd4/peer", "members/etcd4/server", "members/etcd5/peer", "members/etcd5/server"}

func TestCertificatesOfMembersThatHaveLeftAreNotRenewed(t *testing.T) {
	for name, o := range map[string]certs.RenewOptions{
		"all":         {},
		"what is due": {Due: 400 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			p := fiveOf(t)
			p.now = start.Add(300 * day)
			report, err := p.Renew(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ofTheLeft, alone(report)); diff != "" || report.Count(certs.Renewed) != 9 {
				t.Errorf("%s\nleft alone (-want +got):\n%s", report, diff)
			}
		})
	}
	p := fiveOf(t)
	if report, err := p.Renew(t.Context(), certs.RenewOptions{Names: []string{"etcd4"}}); err != nil || report.Count(certs.Renewed) != 2 {
		t.Errorf("by its name: %v, %v", report, err)
	}
	p.Roster = nil
	if report, err := p.Renew(t.Context(), certs.RenewOptions{}); err != nil || report.Count(certs.Renewed) != 13 {
		t.Errorf("where no members are known: %v, %v", report, err)
	}
}

// alone are the identities that were left as they are because nobody has them any more.
func alone(report certs.Report) []string {
	var names []string
	for _, c := range report.Changes {
		if c.Action != certs.Renewed && c.Action != certs.Reissued && strings.HasPrefix(c.Identity, "members/") {
			names = append(names, c.Identity)
		}
	}
	slices.Sort(names)
	return names
}

func TestCertificatesOfMembersThatHaveLeftEndWithTheirAuthority(t *testing.T) {
	p := fiveOf(t)
	var switched certs.Report
	for _, stage := range certs.Stages() {
		report, err := p.RotateCA(t.Context(), certs.RotateOptions{Stage: stage})
		if err != nil {
			t.Fatal(err)
		}
		if stage == certs.Switch {
			switched = report
			wantLeft(t, p, "members/etcd4", "members/etcd5")
		}
	}
	if diff := cmp.Diff(ofTheLeft, alone(switched)); diff != "" || switched.Count(certs.Reissued) != 9 {
		t.Errorf("%s\nleft alone (-want +got):\n%s", switched, diff)
	}
	wantLeft(t, p)
	if err := p.handshake("members/etcd1/peer", "members/etcd4/peer"); err == nil {
		t.Error("a member that has left is let in by the new authority")
	}
	if _, err := p.SettleRotation(t.Context()); err != nil {
		t.Fatal(err)
	}
	if findings, err := p.Verify(certs.VerifyOptions{}); err != nil || len(findings) > 0 {
		t.Errorf("findings: %v (%v)", findings, err)
	}
}

// What is said to be done about them ends what is said.
func TestWhoHasLeftIsToldUntilRevoked(t *testing.T) {
	p := fiveOf(t)
	left := wantLeft(t, p, "members/etcd4", "members/etcd5")
	want := "members/etcd4 and members/etcd5 are no members any more: `etcdctr certs revoke members/etcd4 members/etcd5` has peers refuse them"
	if got := certs.LeftRemark(left); got != want {
		t.Errorf("it remarks %q", got)
	}
	if _, err := p.Revoke(t.Context(), certs.RevokeOptions{Names: left[:1]}); err != nil {
		t.Fatal(err)
	}
	left = wantLeft(t, p, "members/etcd5")
	if got := certs.LeftRemark(left); got != "members/etcd5 is no member any more: `etcdctr certs revoke members/etcd5` has peers refuse it" {
		t.Errorf("it remarks %q", got)
	}
	if _, err := p.Revoke(t.Context(), certs.RevokeOptions{Names: left}); err != nil {
		t.Fatal(err)
	}
	if got := certs.LeftRemark(wantLeft(t, p)); got != "" {
		t.Errorf("it remarks %q", got)
	}
	if findings, err := p.Verify(certs.VerifyOptions{}); err != nil || len(findings) > 0 {
		t.Errorf("findings: %v (%v)", findings, err)
	}
}

func wantLeft(t *testing.T, p *testPKI, want ...string) []string {
	t.Helper()
	left, err := p.Left()
	if diff := cmp.Diff(want, left); err != nil || diff != "" {
		t.Errorf("%v: left (-want +got):\n%s", err, diff)
	}
	return left
}
