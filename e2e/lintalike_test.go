//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// two are the flags of two members of one cluster.
func (m *mistake) two() (flags map[string][]string) {
	flags = map[string][]string{}
	var list []string
	for _, name := range []string{"one", "two"} {
		client, peer := "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
		list = append(list, name+"="+peer)
		flags[name] = []string{
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		}
	}
	for name := range flags {
		flags[name] = append(flags[name], "--initial-cluster="+strings.Join(list, ","))
	}
	return flags
}

// said waits until a member's log says something.
func (m *mistake) said(p *etcdtest.Process, text string) {
	m.Helper()
	eventually(m.T, fmt.Sprintf("%q in the log", text), func() error {
		if !strings.Contains(p.Log(), text) {
			return fmt.Errorf("it says\n%s", p.Log())
		}
		return nil
	})
}

// ends waits until a member has ended, and wants it to say why.
func (m *mistake) ends(p *etcdtest.Process, why string) {
	m.Helper()
	select {
	case <-p.Ended():
	case <-time.After(time.Minute):
		m.Fatal("it goes on")
	}
	if p.ExitCode() == 0 || !strings.Contains(p.Log(), why) {
		m.Errorf("it ended with %d, and does not say %q:\n%s", p.ExitCode(), why, p.Log())
	}
}

func (m *mistake) tokensDiffer() {
	flags := m.two()
	flags["one"], flags["two"] = append(flags["one"], "--initial-cluster-token=orders"), append(flags["two"], "--initial-cluster-token=shop")
	m.wantFound("Procfile", procfile(flags))
	one, two := m.start("one", flags["one"]...), m.start("two", flags["two"]...)
	m.said(one, "cluster ID mismatch")
	m.said(two, "cluster ID mismatch")
	endpoint := strings.TrimPrefix(flags["one"][0], "--listen-client-urls=")
	if out, err := m.etcdctl(endpoint, "--command-timeout=3s", "put", "key", "value"); err == nil {
		m.Errorf("it serves all the same: %s", out)
	}
}

// releasesDiffer is of releases that are two minors apart, which is seen once: at the
// newest, beside the one that is two older.
func (m *mistake) releasesDiffer() {
	older := m.minor - 2
	if _, known := cluster.KnownPatches[older]; !known {
		return
	}
	service := func(name string, minor int) string {
		return fmt.Sprintf("  %s: {image: \"quay.io/coreos/etcd:%s\", command: etcd --name=%s --initial-cluster=one=http://one:2380,two=http://two:2380}\n",
			name, cluster.KnownPatches[minor], name)
	}
	m.wantFound("compose.yaml", "services:\n"+service("one", older)+service("two", m.minor))
	flags := m.two()
	etcdtest.StartProgram(m.T, etcdBinary(m.T, older, "etcd"), nil, append([]string{"--name=one", "--data-dir=" + filepath.Join(m.dir, "one")}, flags["one"]...)...)
	for range 2 {
		m.ends(m.start("two", flags["two"]...), "")
	}
}

func (m *mistake) cipherSuites() {
	server := m.certificate()
	endpoint, peer := "https://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
	flags := []string{
		"--listen-client-urls=" + endpoint, "--advertise-client-urls=" + endpoint,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
		"--cert-file=" + filepath.Join(server, "tls.crt"), "--key-file=" + filepath.Join(server, "tls.key"),
	}
	bad := append(slices.Clone(flags), "--cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
	m.wantFound("Procfile", procfile(map[string][]string{"one": bad}))
	m.ends(m.start("one", bad...), "HTTP/2-required")
	m.start("one", append(flags, "--cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")...)
	m.serves(endpoint, "--cacert="+filepath.Join(server, "ca.crt"), "--cert="+filepath.Join(server, "tls.crt"), "--key="+filepath.Join(server, "tls.key"))
}
