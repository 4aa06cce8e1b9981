//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// pageBlocks are the Compose files on the page about applications: one beside
// the generated file, its networks, and one that includes it.
func pageBlocks(t *testing.T, image, user string) []string {
	t.Helper()
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(readFile(t, "../docs/compose.md"), -1) {
		text := strings.ReplaceAll(found[1], cluster.OfficialImage+":"+cluster.DefaultVersion.String(), image)
		blocks = append(blocks, strings.ReplaceAll(text, `"1000:1000"`, `"`+user+`"`))
	}
	if len(blocks) != 3 {
		t.Fatalf("the page has %d Compose files, want 3", len(blocks))
	}
	return blocks
}

// application is a stack whose application reads and writes with a certificate
// of its own.
type application struct {
	*stack
	files []string // flags of Compose
	etcd  string   // the folder of the generated file
}

// TestApplicationOfThePageKeepsItsCertificates runs the page's examples as they
// stand there, through a renewal.
func TestApplicationOfThePageKeepsItsCertificates(t *testing.T) {
	for name, test := range map[string]struct {
		user    string
		issue   []string
		include bool
	}{
		"root, beside":      {"0:0", []string{"app"}, false},
		"another, beside":   {"1000:1000", []string{"app", "--for", "1000"}, false},
		"another, includes": {"1000:1000", []string{"app", "--for", "1000:1000"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, test.user, test.include)
			run(t, a.etcd, etcdctrBinary(t), append([]string{"certs", "issue"}, test.issue...)...)
			a.up("up", "--detach", "--wait", "--wait-timeout", "60")
			before := a.up("ps", "--quiet", "app")
			a.wantAccess()
			run(t, a.etcd, etcdctrBinary(t), "certs", "renew")
			a.wantAccess()
			if after := a.up("ps", "--quiet", "app"); after != before {
				t.Error("the application is another container after the renewal")
			}
		})
	}
}

func newApplication(t *testing.T, user string, include bool) *application {
	t.Helper()
	s := newStack(t)
	a := &application{stack: s, etcd: s.dir, files: []string{"--file", "docker-compose.yml", "--file", "docker-compose.override.yml", "--file", "networks.yml"}}
	blocks := pageBlocks(t, s.ref, user)
	if include {
		a.etcd, a.files = filepath.Join(s.dir, "etcd"), []string{"--file", "app.yml"}
		if err := os.Mkdir(a.etcd, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(s.dir, "app.yml"), blocks[2])
	}
	writeFile(t, filepath.Join(s.dir, "docker-compose.override.yml"), blocks[0])
	writeFile(t, filepath.Join(s.dir, "networks.yml"), blocks[1])
	file := run(t, a.etcd, etcdctrBinary(t), "compose", "--name", s.name, "--image", s.ref)
	writeFile(t, filepath.Join(a.etcd, "docker-compose.yml"), file)
	return a
}

func (a *application) up(args ...string) string {
	a.t.Helper()
	return a.compose(append(a.files, args...)...)
}

// wantAccess has the application open a new connection, to write and to read.
func (a *application) wantAccess() {
	a.t.Helper()
	a.up("exec", "-T", "app", "etcdctl", "put", "orders/1", "paid")
	if got := a.up("exec", "-T", "app", "etcdctl", "get", "--print-value-only", "orders/1"); strings.TrimSpace(got) != "paid" {
		a.t.Errorf("the application reads %q", got)
	}
}
