package certs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

// inode tells whether a folder is the one that it was: what is mounted into a
// container is that one, whatever has its name later.
func (p *testPKI) inode(name string) os.FileInfo {
	p.t.Helper()
	info, err := os.Stat(filepath.Join(p.Dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return info
}

func TestMountedFolderOfAClientSurvivesItsRenewal(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "proxy", Profile: certs.Server}))
	for mounted, file := range map[string]string{
		"clients/root":  "clients/root/client/tls.crt",
		"servers/proxy": "servers/proxy/server/tls.crt",
	} {
		before, cert := p.inode(mounted), string(p.read(file))
		p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{mounted}}))
		if !os.SameFile(before, p.inode(mounted)) {
			t.Errorf("%s is another folder now", mounted)
		}
		if string(p.read(file)) == cert {
			t.Errorf("%s is the old one", file)
		}
		if string(p.read(mounted+"/tls.crt")) != string(p.read(file)) {
			t.Errorf("%s/tls.crt leads elsewhere", mounted)
		}
	}
}

// flatten puts an identity's files where earlier releases had them.
func (p *testPKI) flatten(name, inner string) {
	p.t.Helper()
	for _, file := range []string{certs.CAFile, certs.CertFile, certs.KeyFile} {
		data := p.read(name + "/" + inner + "/" + file)
		p.remove(name + "/" + file)
		p.write(name+"/"+file, data)
	}
	p.remove(name + "/" + inner)
}

func TestFilesOfEarlierReleasesAreMovedInAndFoundWhereTheyWere(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.flatten("clients/root", "client")
	p.write("clients/root/keystore.jks", []byte("mine"))
	mounted, key := p.inode("clients/root"), string(p.read("clients/root/tls.key"))
	if got := certs.ClientDir(p.Dir, "root"); got != filepath.Join(p.Dir, "clients", "root") {
		t.Errorf("until then they are in %s", got)
	}
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}
	p.want(p.ensure(orders()), "6 reused, 1 updated")
	p.want(p.ensure(orders()), "7 reused")
	if !os.SameFile(mounted, p.inode("clients/root")) {
		t.Error("what a container has mounted is gone")
	}
	for _, file := range []string{"clients/root/tls.key", "clients/root/client/tls.key"} {
		if string(p.read(file)) != key {
			t.Errorf("%s is another key", file)
		}
	}
	p.want(p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"root"}})), "1 renewed (clients/root: the former expires in 365 days)")
	if string(p.read("clients/root/tls.key")) == key || string(p.read("clients/root/keystore.jks")) != "mine" {
		t.Error("the old path does not lead to the new key, or what lies beside it is gone")
	}
}

func TestKeyThatReplacesALinkIsNotLost(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	company := newPKI(t)
	company.ensure(orders())
	p.remove("clients/root/tls.key")
	p.write("clients/root/tls.key", company.read("clients/root/tls.key"))
	_, err := p.Ensure(t.Context(), orders())
	wantError(t, err, "clients/root: other files than those in client lie beside it: move them into it, or away")
	_, err = p.Renew(t.Context(), certs.RenewOptions{Names: []string{"root"}})
	wantError(t, err, "clients/root")
	if string(p.read("clients/root/tls.key")) != string(company.read("clients/root/tls.key")) {
		t.Error("the key is gone")
	}
}
