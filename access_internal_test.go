package etcdctr

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Whoever is in another cluster's folder is let in by the certificates that the members
// were given all the same.
func TestMembersAreReachedByTheCertificatesThatTheyWereGiven(t *testing.T) {
	folders := map[string]string{"here": t.TempDir(), "there": t.TempDir(), "said": t.TempDir(), "empty": t.TempDir()}
	dirs := map[string]string{}
	for name, folder := range folders {
		dirs[name] = filepath.Join(folder, "certs")
		if name == "empty" {
			continue
		}
		plan := certs.Plan{Cluster: name, Clients: []certs.ClientIdentity{{Name: AdminClient}}}
		if _, err := (&certs.PKI{Dir: dirs[name]}).Ensure(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ here, there, said, want string }{
		{here: "here", there: "there", want: "there"},
		{here: "here", there: "empty", want: "here"},
		{here: "empty", there: "there", want: "there"},
		{here: "here", there: "there", said: "said", want: "said"},
	} {
		of := New(Options{Folder: folders[c.here], CertsDir: dirs[c.here]}).Describe(cluster.Spec{Name: "orders", CertsDir: dirs[c.said]})
		have := &runtime.State{Name: "orders", Folder: folders[c.there], CertsDir: dirs[c.there], Servers: []runtime.Server{{
			Name: "etcd1", Role: runtime.Member, Settings: cluster.Settings{{Name: "trusted-ca-file", Value: "ca.crt"}},
		}}}
		got, err := of.clientTLS(have)
		if err != nil {
			t.Fatal(err)
		}
		want, err := certs.TLS(certs.ClientDir(dirs[c.want], AdminClient))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Certificates[0].Certificate[0], want.Certificates[0].Certificate[0]) || of.accessDir(have) != dirs[c.want] {
			t.Errorf("in %s, of members with certificates of %s: those of %s are shown, want %s", c.here, c.there, of.accessDir(have), dirs[c.want])
		}
	}
	if _, err := os.Stat(dirs["empty"]); err == nil {
		t.Error("it has made certificates")
	}
}
