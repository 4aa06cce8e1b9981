package certs_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func (p *testPKI) rotate(stage certs.Stage) string {
	p.t.Helper()
	return p.report(p.RotateCA(p.t.Context(), certs.RotateOptions{Stage: stage}))
}

// trusted lists the serial numbers in a file of certificates.
func (p *testPKI) trusted(file string) []string {
	p.t.Helper()
	var serials []string
	for rest := p.read(file); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return serials
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			p.t.Fatal(err)
		}
		serials = append(serials, cert.SerialNumber.String())
	}
}

func TestAuthorityIsReplacedWithoutABreakInTrust(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	was := p.cert("ca/client")
	wantTrust := func(want ...string) {
		t.Helper()
		for _, identity := range []string{"members/etcd1/server", "members/etcd2/server", "clients/root"} {
			if diff := cmp.Diff(want, p.trusted(identity+"/ca.crt")); diff != "" {
				t.Errorf("%s trusts (-want +got):\n%s", identity, diff)
			}
		}
	}

	p.want(p.rotate(certs.Begin), "7 updated (ca/client, ca/peer: trusted beside the next)")
	next := p.trusted("ca/client/next.crt")[0]
	wantTrust(was.SerialNumber.String(), next)
	p.want(p.rotate(certs.Begin), "7 reused")
	p.want(p.ensure(orders()), "7 reused")
	if err := p.cert("clients/root").CheckSignatureFrom(was); err != nil {
		t.Errorf("the old authority issues until the switch: %v", err)
	}

	p.rotate(certs.Switch)
	is := p.cert("ca/client")
	if is.SerialNumber.String() != next || is.Subject.String() != was.Subject.String() || !is.NotAfter.Equal(start.Add(10*365*day)) {
		t.Errorf("the new authority is %s, %s, until %v", is.SerialNumber, is.Subject, is.NotAfter)
	}
	wantTrust(next, was.SerialNumber.String())
	if err := p.cert("clients/root").CheckSignatureFrom(is); err != nil {
		t.Errorf("the new authority has not issued: %v", err)
	}
	p.want(p.rotate(certs.Switch), "7 reused")

	p.want(p.rotate(certs.Finish), "7 updated (ca/client, ca/peer: the old one is out)")
	wantTrust(next)
	overdue := []string{
		"warning: ca/client: was replaced: the old authority is out, and trusted still by members that were not restarted since",
		"warning: ca/peer: was replaced: the old authority is out, and trusted still by members that were not restarted since",
	}
	if diff := cmp.Diff(overdue, p.problems(certs.VerifyOptions{Plan: plan(orders())})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	p.want(p.report(p.SettleRotation(t.Context())), "5 reused, 2 updated (ca/client, ca/peer: the old one is put away in ca/retired)")
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}
}

func TestInterruptedSwitchIsFinishedByTheNextRun(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.rotate(certs.Begin)
	old := map[string][]byte{}
	for _, file := range []string{"ca.crt", "tls.crt", "tls.key", "crl.der"} {
		old[file] = p.read("members/etcd1/server/" + file)
	}
	p.rotate(certs.Switch)
	for file, data := range old { // as if it had got no further than the authority
		p.write("members/etcd1/server/"+file, data)
	}
	p.want(p.rotate(certs.Switch), "6 reused, 1 reissued (members/etcd1/server: by the new authority)")
}

func TestStagesComeInOrder(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	rotate := func(o certs.RotateOptions) error {
		_, err := p.RotateCA(t.Context(), o)
		return err
	}
	wantError(t, rotate(certs.RotateOptions{Stage: certs.Switch}), "there is no next one: begin")
	p.want(p.rotate(certs.Finish), "7 reused")
	p.rotate(certs.Begin)
	wantError(t, rotate(certs.RotateOptions{Stage: certs.Finish}), "the stage switch comes first")
	p.rotate(certs.Switch)
	wantError(t, rotate(certs.RotateOptions{Stage: certs.Begin}), "its last replacement is not over")
	wantError(t, rotate(certs.RotateOptions{Stage: "x", Profiles: []certs.Profile{"y"}, Key: "z"}), `unknown stage "x"`)
}

func TestOneAuthorityIsReplacedByAnother(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	other := newPKI(t)
	other.ensure(certs.Plan{Cluster: "other"})
	authority, err := certs.LoadAuthority(other.Dir+"/ca/client/tls.crt", other.Dir+"/ca/client/tls.key")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.RotateCA(t.Context(), certs.RotateOptions{Stage: certs.Begin, Authority: authority})
	wantError(t, err, "one is given for two places")
	peers := p.trusted("members/etcd1/peer/ca.crt")
	for _, o := range []certs.RotateOptions{{Stage: certs.Begin, Authority: authority}, {Stage: certs.Switch}, {Stage: certs.Finish}} {
		o.Profiles = []certs.Profile{certs.Client}
		p.report(p.RotateCA(t.Context(), o))
	}
	if got := p.cert("members/etcd1/server").Issuer.CommonName; got != "other client CA" {
		t.Errorf("issuer %s", got)
	}
	if diff := cmp.Diff(peers, p.trusted("members/etcd1/peer/ca.crt")); diff != "" {
		t.Errorf("what peers trust has changed:\n%s", diff)
	}
}

func TestMembersAcceptEachOtherAsLongAsTheyShareAnAuthority(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	p.ensure(orders())
	other.ensure(orders())
	const trust = "members/etcd1/peer/ca.crt"
	before := p.read(trust)
	p.rotate(certs.Begin)
	during := p.read(trust)
	p.rotate(certs.Switch)
	p.rotate(certs.Finish)
	after := p.read(trust)
	for what, test := range map[string]struct {
		a, b []byte
		want bool
	}{
		"the same":                {before, before, true},
		"before and in a change":  {before, during, true},
		"in a change and after":   {during, after, true},
		"before a change, after":  {before, after, false},
		"of another PKI, as such": {before, other.read(trust), false},
	} {
		if got, err := certs.ShareAuthority(test.a, test.b); got != test.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", what, got, err, test.want)
		}
	}
	if _, err := certs.ShareAuthority(before, []byte("nothing")); err == nil {
		t.Error("what holds no certificate is compared")
	}
}

func TestEachStageThatIsDoneByItselfSaysWhatComesThen(t *testing.T) {
	said := map[string]bool{}
	for _, stage := range certs.Stages() {
		then := stage.Then()
		if !strings.Contains(then, "etcdctr certs rotate-ca") || said[then] {
			t.Errorf("after %s: %q", stage, then)
		}
		said[then] = true
	}
}
