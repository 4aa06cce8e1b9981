package certs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/etcdctr/etcdctr/certs"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// Each archive holds cfssl's files and the plan that they make of one for the
// members etcd1 and etcd2: its notes, or its error.
func TestCFSSLFilesBecomeAPlan(t *testing.T) {
	archives, err := filepath.Glob("testdata/cfssl/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			testArchive(t, path)
		})
	}
}

// testArchive compares the last file of an archive, the plan, with what the
// others make.
func testArchive(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &archive.Files[len(archive.Files)-1]
	dir := t.TempDir()
	for _, f := range archive.Files[:len(archive.Files)-1] {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := takeOver(dir)
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func takeOver(dir string) string {
	plan, notes, err := certs.FromCFSSL(dir, certs.Plan{
		Members: []certs.Member{{Name: "etcd1"}, {Name: "etcd2", Hosts: []string{"10.0.0.2"}}},
		Clients: []certs.ClientIdentity{{Name: "root"}},
	})
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), dir, "DIR") + "\n"
	}
	var b strings.Builder
	ca := plan.Authority
	fmt.Fprintf(&b, "authority: subject %q, key %q, lifetime %v\n", ca.Subject, ca.Key, ca.Lifetime)
	fmt.Fprintf(&b, "leaves: subject %q, key %q, lifetime %v\n", plan.Subject, plan.Key, plan.Lifetime)
	for _, profile := range []certs.Profile{certs.Server, certs.Peer, certs.Client} {
		if d, ok := plan.ProfileLifetime[profile]; ok {
			fmt.Fprintf(&b, "lifetime of %s: %v\n", profile, d)
		}
	}
	for _, m := range plan.Members {
		fmt.Fprintf(&b, "member %s: %s\n", m.Name, strings.Join(m.Hosts, " "))
	}
	for _, c := range plan.Clients {
		fmt.Fprintf(&b, "client %s\n", c.Name)
	}
	for _, n := range notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}

func TestCFSSLDoesNotOverrideWhatThePlanDecides(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca-csr.json":     `{"CN": "theirs", "key": {"algo": "rsa", "size": 2048}, "ca": {"expiry": "1h"}}`,
		"ca-config.json":  `{"signing": {"default": {"expiry": "1h"}, "profiles": {"peer": {"expiry": "2h"}}}}`,
		"server-csr.json": `{"key": {"algo": "rsa", "size": 2048}}`,
		"etcd1.json":      `{"CN": "etcd1", "hosts": ["10.0.0.1"]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	given := orders()
	given.Key, given.Lifetime = certs.Ed25519, day
	given.Authority.Key, given.Authority.Lifetime = certs.ECDSAP384, 2*day
	given.Authority.Subject.CommonName = "ours"
	got, notes, err := certs.FromCFSSL(dir, given)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(notes, []string{"server-csr.json: key rsa-2048 is left out: all certificates have one of kind ed25519"}) {
		t.Errorf("notes %q", notes)
	}
	if got.Members[0].Hosts == nil || given.Members[0].Hosts != nil {
		t.Errorf("the hosts are %q, and those handed in %q", got.Members[0].Hosts, given.Members[0].Hosts)
	}
	got.Members = given.Members
	if diff := cmp.Diff(given, got, cmp.AllowUnexported(certs.Authority{})); diff != "" {
		t.Errorf("plan (-given +got):\n%s", diff)
	}
}

func TestAuthorityOfCFSSLIsTakenOver(t *testing.T) {
	ca := newForeign(t, ecKey(t), nil, nil)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"ca.pem": certPEM(ca), "ca-key.pem": keyPEM(t, ca.key)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for single, want := range map[bool]string{
		true:  "6 created (ca/single: from an existing authority)",
		false: "7 created (ca/client: from an existing authority)",
	} {
		p := newPKI(t)
		wanted := orders()
		wanted.SingleCA = single
		wanted, notes, err := certs.FromCFSSL(dir, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if len(notes) > 0 == single {
			t.Errorf("notes %q", notes)
		}
		p.want(p.ensure(wanted), want)
	}
}

// No file can make the reader panic, or a plan that Validate refuses.
func FuzzCFSSL(f *testing.F) {
	archives, err := filepath.Glob("testdata/cfssl/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Name, file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if name != filepath.Base(name) || strings.ContainsRune(name, 0) || len(name) > 100 {
			return
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return // no name for a file
		}
		plan, _, err := certs.FromCFSSL(dir, orders())
		if err == nil && plan.Validate() != nil {
			t.Errorf("a plan that is not valid: %v", plan.Validate())
		}
	})
}
