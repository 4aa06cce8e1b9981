package certs_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func TestEnsureMakesWhatIsMissingOnce(t *testing.T) {
	p := newPKI(t)
	p.want(p.ensure(orders()), "7 created")
	before := p.files()
	p.want(p.ensure(orders()), "7 reused")
	if diff := cmp.Diff(before, p.files()); diff != "" {
		t.Errorf("the second run wrote (-before +after):\n%s", diff)
	}
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}
}

func plan(p certs.Plan) *certs.Plan { return &p }

// files lists every file with its mode and when it was written.
func (p *testPKI) files() map[string]string {
	p.t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(p.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(p.Dir, path)
		list[filepath.ToSlash(rel)] = info.Mode().String()
		if !entry.IsDir() {
			list[filepath.ToSlash(rel)] += info.ModTime().String()
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func TestFilesAreThereForTheirOwnerOnlyAndNothingElseIs(t *testing.T) {
	p := newPKI(t)
	one := orders()
	one.Members = one.Members[:1]
	p.ensure(one)
	got := map[string]string{}
	for name, detail := range p.files() {
		got[name] = detail[:len("drwx------")]
	}
	const dir, cert, key, link = "drwx------", "-rw-r--r--", "-rw-------", "Lrwxrwxrwx"
	want := map[string]string{
		".": dir, ".lock": key, ".gitignore": cert,
		"ca": dir, "members": dir, "members/etcd1": dir, "clients": dir,
		"clients/root": dir, "clients/root/ca.crt": link, "clients/root/tls.crt": link, "clients/root/tls.key": link,
		"clients/root/client": dir, "clients/root/client/ca.crt": cert, "clients/root/client/tls.crt": cert, "clients/root/client/tls.key": key,
	}
	for _, name := range []string{"ca/client", "ca/peer"} {
		want[name] = dir
		want[name+"/tls.crt"], want[name+"/tls.key"] = cert, key
		want[name+"/crl.der"], want[name+"/issued.json"] = cert, cert
	}
	for _, name := range []string{"members/etcd1/server", "members/etcd1/peer"} {
		want[name] = dir
		want[name+"/ca.crt"], want[name+"/crl.der"] = cert, cert
		want[name+"/tls.crt"], want[name+"/tls.key"] = cert, key
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestEnsureReissuesWhatNoLongerFits(t *testing.T) {
	for name, test := range map[string]struct {
		change func(p *testPKI, plan *certs.Plan)
		want   string
	}{
		"a member answers to more": {
			func(_ *testPKI, plan *certs.Plan) { plan.Members[0].Hosts = []string{"10.0.0.1", "DB.example.com"} },
			"5 reused, 2 reissued (members/etcd1/server, members/etcd1/peer: does not answer to 10.0.0.1, db.example.com)",
		},
		"a member is added": {
			func(_ *testPKI, plan *certs.Plan) { plan.Members = append(plan.Members, certs.Member{Name: "etcd3"}) },
			"2 created, 7 reused",
		},
		"a member answers to less, which is kept": {
			func(_ *testPKI, plan *certs.Plan) { plan.Members[1].Hosts = nil },
			"7 reused",
		},
		"a member shall answer to less": {
			func(_ *testPKI, plan *certs.Plan) { plan.Members[1].Hosts, plan.Exact = nil, true },
			"5 reused, 2 reissued (members/etcd2/server, members/etcd2/peer: answers to 10.0.0.2 too)",
		},
		"the cluster is found by DNS": {
			func(_ *testPKI, plan *certs.Plan) {
				plan.DiscoveryDomain, plan.Members = "etcd.example.com", plan.Members[:1]
			},
			"3 reused, 2 reissued (members/etcd1/server, members/etcd1/peer: does not answer to etcd.example.com)",
		},
		"keys shall be of another kind": {
			func(_ *testPKI, plan *certs.Plan) { plan.Key, plan.Members = certs.Ed25519, nil },
			"2 reused, 1 reissued (clients/root: has a key of kind ecdsa-p256, wanted ed25519)",
		},
		"certificates end soon": {
			func(p *testPKI, _ *certs.Plan) { p.now = start.Add(340 * day) },
			"2 reused, 5 reissued (members/etcd1/server, members/etcd1/peer, members/etcd2/server and 2 more: expires in 25 days)",
		},
		"certificates have ended": {
			func(p *testPKI, _ *certs.Plan) { p.now = start.Add(365 * day) },
			"2 reused, 5 reissued (members/etcd1/server, members/etcd1/peer, members/etcd2/server and 2 more: expired on 2031-03-01 12:00 UTC)",
		},
		"the clock was wrong": {
			func(p *testPKI, _ *certs.Plan) {
				p.now = start.Add(2 * day)
				p.remove("clients/root")
				p.ensure(orders())
				p.now = start.Add(day)
			},
			"6 reused, 1 reissued (clients/root: is not valid before 2030-03-03T11:55:00Z)",
		},
		"files are lost": {
			func(p *testPKI, _ *certs.Plan) {
				p.remove("members/etcd1/server/tls.key")
				p.remove("members/etcd1/peer")
				p.write("members/etcd2/server/tls.crt", []byte("torn"))
			},
			"1 created, 4 reused, 2 reissued (members/etcd1/server: tls.key is missing; members/etcd2/server: tls.crt holds no certificate in PEM form)",
		},
		"a key is another's": {
			func(p *testPKI, _ *certs.Plan) {
				p.write("clients/root/tls.key", p.read("members/etcd1/peer/tls.key"))
			},
			"6 reused, 1 reissued (clients/root: tls.key is not its certificate's key)",
		},
		"an identity is another authority's": {
			func(p *testPKI, _ *certs.Plan) {
				for _, file := range []string{certs.CertFile, certs.KeyFile} {
					p.write("clients/root/"+file, p.read("members/etcd1/peer/"+file))
				}
			},
			"6 reused, 1 reissued (clients/root: was not issued by ca/client)",
		},
		"what is trusted was edited": {
			func(p *testPKI, _ *certs.Plan) { p.write("members/etcd1/server/ca.crt", p.read("ca/peer/tls.crt")) },
			"6 reused, 1 updated",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			p.ensure(orders())
			wanted := orders()
			test.change(p, &wanted)
			p.want(p.ensure(wanted), test.want)
			if got := p.problems(certs.VerifyOptions{Plan: &wanted}); got != nil {
				t.Errorf("findings afterwards: %q", got)
			}
		})
	}
}

func TestReissuedCertificateKeepsWhatThePlanLeavesOpen(t *testing.T) {
	p := newPKI(t)
	first := orders()
	first.Key, first.Authority.Key, first.Lifetime = certs.RSA2048, certs.ECDSAP256, 90*day
	first.Subject.Organization, first.Subject.Country = []string{"old"}, []string{"NL"}
	p.ensure(first)
	before := p.cert("members/etcd2/server")

	next := orders()
	next.Members[1].Hosts = []string{"10.0.0.9"}
	p.ensure(next)
	after := p.cert("members/etcd2/server")
	if after.Subject.String() != before.Subject.String() || after.PublicKeyAlgorithm != x509.RSA {
		t.Errorf("subject %s, key %s", after.Subject, after.PublicKeyAlgorithm)
	}
	if got := after.NotAfter.Sub(start); got != 90*day {
		t.Errorf("lifetime %v", got)
	}
	if err := errors.Join(after.VerifyHostname("10.0.0.9"), after.VerifyHostname("10.0.0.2")); err != nil {
		t.Errorf("the new host, and the one that it answered to before: %v", err)
	}
	if cmp.Equal(after.PublicKey, before.PublicKey) {
		t.Error("the key has not changed")
	}
}

func TestLeafNeverOutlivesItsAuthority(t *testing.T) {
	p := newPKI(t)
	short := orders()
	short.Authority.Lifetime = 100 * day
	p.ensure(short)
	if got, want := p.cert("clients/root").NotAfter, start.Add(100*day); !got.Equal(want) {
		t.Errorf("ends %v, its authority %v", got, want)
	}
	// It cannot be made any better, and so it is kept.
	p.now = start.Add(90 * day)
	p.want(p.ensure(short), "7 reused")
	p.now = start.Add(100 * day)
	_, err := p.Ensure(t.Context(), short)
	wantError(t, err, "authority ca/client: expired on 2030-06-09 12:00 UTC: replace it")
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, wanted one with %q", err, part)
	}
}

func TestSingleAuthorityVouchesForPeersToo(t *testing.T) {
	p := newPKI(t)
	single := orders()
	single.SingleCA = true
	p.want(p.ensure(single), "6 created")
	p.want(p.ensure(orders()), "6 reused") // it decides for a new PKI only
	if p.cert("members/etcd1/peer").Issuer.String() != p.cert("clients/root").Issuer.String() {
		t.Error("peers and clients have different issuers")
	}
	two := newPKI(t)
	two.ensure(orders())
	_, err := two.Ensure(t.Context(), single)
	wantError(t, err, "has one for clients and one for peers already")
}

func TestAuthorityWithoutItsKeyVouchesForWhatIsThere(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.remove("ca/client/tls.key")
	p.want(p.ensure(orders()), "7 reused")
	more := orders()
	more.Clients = append(more.Clients, certs.ClientIdentity{Name: "alice"})
	_, err := p.Ensure(t.Context(), more)
	wantError(t, err, "put ca/client/tls.key back")
}

func TestPlanMayHaveNoClientsAndFurtherServers(t *testing.T) {
	p := newPKI(t)
	p.want(p.ensure(certs.Plan{Members: []certs.Member{{Name: "etcd1"}, {Name: "discovery", Hosts: []string{"fd00::7"}}}}), "6 created")
	if err := p.cert("members/discovery/server").VerifyHostname("fd00::7"); err != nil {
		t.Error(err)
	}
}

func TestEveryMistakeInAPlanIsReportedAtOnce(t *testing.T) {
	p := newPKI(t)
	_, err := p.Ensure(t.Context(), certs.Plan{
		Members: []certs.Member{
			{Name: "../etcd1"},
			{Name: "etcd2", Hosts: []string{"http://etcd2:2379", "10.0.0.300", "ok.example.com", "*.ok.example.com", "fe80::1"}},
			{Name: "ETCD2"},
		},
		Clients:         []certs.ClientIdentity{{Name: ""}},
		DiscoveryDomain: "bad domain",
		Key:             "dsa",
		Lifetime:        -time.Hour,
		SingleCA:        true,
		Authority:       certs.AuthorityPlan{Key: "rsa-512", Peer: &certs.Authority{}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`members[0].name: "../etcd1" is no name`,
		`members[1].hosts: "http://etcd2:2379" is neither`,
		`members[2].name: "ETCD2" is there twice`,
		`clients[0].name: "" is no name`,
		`discovery domain: "bad domain" is neither`,
		`key: unknown key algorithm "dsa"`,
		`lifetime: -1h0m0s is in the past`,
		`authority key: unknown key algorithm "rsa-512"`,
		`peer authority: given together with a single authority`,
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Errorf("%d errors, wanted %d:\n%v", len(lines), len(want), err)
	}
	for _, part := range want {
		wantError(t, err, part)
	}
	if _, err := os.Stat(p.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("something was written")
	}
}

func TestRunsBesideEachOtherMakeOnePKI(t *testing.T) {
	p := newPKI(t)
	var wg sync.WaitGroup
	reports := make([]certs.Report, 8)
	for i := range reports {
		wg.Go(func() {
			var err error
			if reports[i], err = p.Ensure(t.Context(), orders()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	created := 0
	for _, r := range reports {
		created += r.Count(certs.Created)
	}
	if created != 7 {
		t.Errorf("%d identities and authorities were made, wanted 7", created)
	}
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}
}

func TestInterruptedRunLeavesNothingBehind(t *testing.T) {
	p := newPKI(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.Random = readerFunc(func([]byte) (int, error) { cancel(); return 0, ctx.Err() })
	if _, err := p.Ensure(ctx, orders()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(p.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left: %v", p.files())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestFailedWriteLeavesTheOldFiles(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	before := p.files()
	more := orders()
	more.Members[0].Hosts = []string{"10.0.0.1"}
	more.Clients = []certs.ClientIdentity{{Name: "alice"}}
	// The folder for alice cannot be made where a file is in its way.
	p.remove("clients")
	p.write("clients", nil)
	if _, err := p.Ensure(t.Context(), more); err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"members/etcd1/server/tls.crt", "members/etcd1", "ca/client/issued.json"} {
		if got := p.files()[name]; got != before[name] {
			t.Errorf("%s: was %s, is %s", name, before[name], got)
		}
	}
	for name := range p.files() {
		if strings.Contains(name, ".new") {
			t.Errorf("left behind: %s", name)
		}
	}
}
