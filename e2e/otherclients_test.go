//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// tool is a client that is not Go's: it connects, reads and ends. Its arguments are
// made for the folder of its certificate and an endpoint.
type tool struct {
	name  string
	args  func(dir, endpoint string) []string
	stdin string
	want  string // in what it prints
}

// rangeRequest asks the gateway for a key.
var rangeRequest = fmt.Sprintf(`{"key":%q}`, base64.StdEncoding.EncodeToString([]byte(loadPrefix)))

// readWithPython reads by Python's own HTTPS.
const readWithPython = `
import ssl, sys, urllib.request
folder, endpoint, body = sys.argv[1:]
context = ssl.create_default_context(cafile=folder + "/` + certs.CAFile + `")
context.load_cert_chain(folder + "/` + certs.CertFile + `", folder + "/` + certs.KeyFile + `")
print(urllib.request.urlopen(endpoint + "/v3/kv/range", data=body.encode(), context=context, timeout=5).read().decode())
`

// tools are the clients, each with TLS of its own: OpenSSL's command, curl's, and
// Python's.
var tools = []tool{
	{name: "curl", want: "cluster_id", args: func(dir, endpoint string) []string {
		return []string{
			"--silent", "--show-error", "--fail", "--max-time", "5", "--cacert", filepath.Join(dir, certs.CAFile),
			"--cert", filepath.Join(dir, certs.CertFile), "--key", filepath.Join(dir, certs.KeyFile),
			"--data", rangeRequest, endpoint + "/v3/kv/range",
		}
	}},
	{name: "python3", want: "cluster_id", args: func(dir, endpoint string) []string {
		return []string{"-c", readWithPython, dir, endpoint, rangeRequest}
	}},
	{name: "openssl", want: "etcdserver", stdin: "GET /version HTTP/1.0\r\n\r\n", args: func(dir, endpoint string) []string {
		return []string{
			"s_client", "-quiet", "-ign_eof", "-verify_return_error", "-CAfile", filepath.Join(dir, certs.CAFile),
			"-cert", filepath.Join(dir, certs.CertFile), "-key", filepath.Join(dir, certs.KeyFile),
			"-connect", strings.TrimPrefix(endpoint, "https://"),
		}
	}},
}

// read asks the endpoints one after the other until one answers, as a client does
// that has several.
func (c tool) read(ctx context.Context, dir string, endpoints []string) error {
	var errs []error
	for _, endpoint := range endpoints {
		cmd := exec.CommandContext(ctx, c.name, c.args(dir, endpoint)...)
		cmd.Stdin = strings.NewReader(c.stdin)
		out, err := cmd.CombinedOutput()
		if err == nil && strings.Contains(string(out), c.want) {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s, %s: %w: %s", c.name, endpoint, err, out))
	}
	return errors.Join(errs...)
}

// startTools has each tool come, read and leave.
func (l *load) startTools(dir string, endpoints []string) {
	l.t.Helper()
	for _, c := range tools {
		l.welcome(func(ctx context.Context) error { return c.read(ctx, dir, endpoints) })
	}
}

// TestClientsOfEveryKindOutliveARotation has programs with TLS of their own connect
// anew all the time, beside Go's client, while both authorities are replaced. After
// each stage everybody who ought to be refused is, on either port.
func TestClientsOfEveryKindOutliveARotation(t *testing.T) {
	s, endpoints := newServedStack(t, cluster.NewestMinor)
	s.certs("rotate-ca --stage begin")
	l := startLoadOf(t, s.freshConfig(endpoints), etcdctlTimeout) // which trusts both
	l.startNewcomers(func() clientv3.Config { return s.freshConfig(endpoints) })
	l.startTools(filepath.Join(s.dir, "certs/clients/root"), endpoints)
	stages := []func(){
		func() { s.etcdctr("restart") },
		func() { s.certs("rotate-ca --stage switch --restarted") },
		func() { s.certs("rotate-ca --stage finish --clients-ready") },
		func() { s.etcdctr("restart") },
	}
	for _, stage := range stages {
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		stage()
		s.etcdctr("verify")
	}
	l.wantMore(settledWrites)
	l.wantMoreNewcomers(settledNewcomers)
	l.finish()
	l.wantNobodyTurnedAway()
	l.wantNoWriteFailed()
}
