package backup

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// The metrics are for who has a certificate of the cluster's, as those of the members are,
// and on this machine for everybody.
func TestMetricsAreForWhoIsKnown(t *testing.T) {
	dir := t.TempDir()
	pki := &certs.PKI{Dir: dir}
	plan := certs.Plan{Clients: []certs.ClientIdentity{{Name: "monitoring"}, {Name: "backup", Hosts: []string{"backup"}}}}
	if _, err := pki.Ensure(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	told := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "told") })
	client := func(certificate bool) *http.Client {
		config, err := certs.TLS(filepath.Join(dir, "clients", "monitoring"))
		if err != nil {
			t.Fatal(err)
		}
		config.ServerName = "backup"
		if !certificate {
			config.Certificates = nil
		}
		return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	}
	for name, test := range map[string]struct {
		listen, scheme string
		certificate    bool
		want           bool
	}{
		"a certificate":          {":0", "https", true, true},
		"no certificate":         {":0", "https", false, false},
		"no TLS":                 {":0", "http", true, false},
		"no TLS on this machine": {"127.0.0.1:0", "http", false, true},
	} {
		port := strconv.Itoa(etcdtest.FreePort(t))
		host, _, _ := net.SplitHostPort(test.listen)
		stop, err := listen(net.JoinHostPort(host, port), filepath.Join(dir, "clients", "backup"), told)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client(test.certificate).Get(test.scheme + "://127.0.0.1:" + port + "/metrics")
		var text []byte
		if err == nil {
			text, err = io.ReadAll(answer.Body)
			answer.Body.Close()
		}
		if got := err == nil && string(text) == "told"; got != test.want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		stop()
	}
	if stop, err := listen("", dir, told); err != nil {
		t.Error(err)
	} else {
		stop()
	}
}
