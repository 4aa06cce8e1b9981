package local

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestNoSecondClusterIsFoundedBesideOneOfTheSameAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, authority := range map[string][]byte{"own": own, "another": []byte("of nobody")} {
		t.Run(name, func(t *testing.T) {
			spec := cluster.Spec{Name: "orders", Members: cluster.Members{Count: 1}, Etcd: "3.7.3"}
			usual, err := cluster.Resolve(spec, cluster.UnderSupervision("home", "certs"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			r := New(Options{
				Folder: filepath.Join(dir, "clusters"), CertsDir: filepath.Join(dir, "certs"), Carried: &Program{Path: "etcd", Version: usual.Etcd},
				Further: server.Listener.Addr().(*net.TCPAddr).Port - usual.Members[0].Place.ClientPort,
			})
			want, err := r.Place(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			file := want.Members[0].Settings.Get("trusted-ca-file")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, authority, 0o600); err != nil {
				t.Fatal(err)
			}
			err = r.checkBeside(t.Context(), want)
			if beside := (*BesideError)(nil); errors.As(err, &beside) != (name == "own") {
				t.Errorf("beside %s: %v", server.Listener.Addr(), err)
			}
		})
	}
}
