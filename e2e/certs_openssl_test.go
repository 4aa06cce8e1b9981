//go:build e2e

package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// Two authorities of one company, made by openssl with keys in its old formats:
// the cluster trusts them, and not whatever else their root vouches for.
func TestIntermediateAuthoritiesOfOneRootStayApart(t *testing.T) {
	dir := opensslAuthorities(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor,
			"--client-ca-cert", file("client-chain.pem"), "--client-ca-key", file("client.key"),
			"--peer-ca-cert", file("peer-chain.pem"), "--peer-ca-key", file("peer.key"))
		c.start()
		c.wantServing()
		wantAccepted(t, "a client", first(c.askClientPort(c.members[0], c.pair("clients/root"))))
		wantRefused(t, "a client on the peer port", first(c.askPeerPort(c.members[0], c.pair("clients/root"))))
		wantRefused(t, "a peer on the client port", first(c.askClientPort(c.members[0], c.pair("members/etcd2/peer"))))
		// Whoever trusts the root can verify what a member shows.
		shown := filepath.Join(c.pki, "members/etcd1/server", certs.CertFile)
		run(t, "", "openssl", "verify", "-CAfile", file("root.pem"), "-untrusted", shown, shown)
		run(t, "", "openssl", "verify", "-CAfile", filepath.Join(c.pki, "clients/root", certs.CAFile), shown)
	})
}

func opensslAuthorities(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ca.ext"), `basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`)
	run(t, dir, "sh", "-euc", `
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out root.key
		openssl req -x509 -new -key root.key -subj "/O=company/CN=root" -days 3650 -out root.pem
		openssl genrsa -traditional -out client.key 2048
		openssl ecparam -name prime256v1 -genkey -out peer.key
		for ca in client peer; do
			openssl req -new -key $ca.key -subj "/O=company/CN=$ca" -out $ca.csr
			openssl x509 -req -in $ca.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -extfile ca.ext -out $ca.pem
			cat $ca.pem root.pem > $ca-chain.pem
		done`)
	return dir
}

// keyIdentifier is what differs from one PKI to the next.
var keyIdentifier = regexp.MustCompile(`([0-9A-F]{2}:){19}[0-9A-F]{2}`)

// docs/certificates.md shows what openssl reads in each profile. Its commands are
// run here on the certificates of the cluster that it describes.
func TestOpenSSLReadsTheProfilesAsDocumented(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, etcdctrBinary(t), "certs", "create", "--name", "orders")
	examples := documentedCommands(t, "../docs/certificates.md", "openssl x509 ")
	if len(examples) != 4 {
		t.Fatalf("docs/certificates.md shows %d certificates, wanted one of each profile and an authority", len(examples))
	}
	for command, want := range examples {
		got := keyIdentifier.ReplaceAllString(run(t, dir, "sh", "-c", command), "KEY-IDENTIFIER")
		if diff := cmp.Diff(trimmedLines(want), trimmedLines(got)); diff != "" {
			t.Errorf("%s (-documented +openssl):\n%s", command, diff)
		}
	}
}

// documentedCommands collects what follows each "$ COMMAND" in a page's
// indented blocks, by command.
func documentedCommands(t *testing.T, page, prefix string) map[string]string {
	t.Helper()
	file, err := os.Open(page)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const indent = "    "
	examples := map[string]string{}
	command := ""
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		line, inBlock := strings.CutPrefix(scanner.Text(), indent)
		switch {
		case !inBlock:
			command = ""
		case strings.HasPrefix(line, "$ "+prefix):
			command = strings.TrimPrefix(line, "$ ")
			examples[command] = ""
		case command != "":
			examples[command] += line + "\n"
		}
	}
	return examples
}

func trimmedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}
