package doctor_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// The mistakes that members make in TestWhatEtcdSaysIsRecognised.

// with is a member that would be well without these flags; {peer} is its peer
// URL.
func with(flags ...string) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		m := newPlace(t, "http", "a")
		var own []string
		for _, f := range flags {
			own = append(own, strings.ReplaceAll(f, "{peer}", m.peer))
		}
		return ended(t, etcdtest.Start(t, nil, m.flags([]place{m}, own...)...))
	}
}

// ended waits for the end of a process.
func ended(t *testing.T, p *etcdtest.Process) *etcdtest.Process {
	t.Helper()
	select {
	case <-p.Ended():
	case <-time.After(time.Minute):
		t.Fatalf("etcd does not end:\n%s", p.Log())
	}
	return p
}

// place is where a member listens and keeps its data.
type place struct {
	name, client, peer, data string
}

func newPlace(t *testing.T, scheme, name string) place {
	t.Helper()
	url := func() string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, etcdtest.FreePort(t)) }
	return place{name: name, client: url(), peer: url(), data: filepath.Join(t.TempDir(), "data")}
}

func (p place) flags(initial []place, more ...string) []string {
	var all []string
	for _, m := range initial {
		all = append(all, m.name+"="+m.peer)
	}
	return append([]string{
		"--name=" + p.name, "--data-dir=" + p.data, "--unsafe-no-fsync",
		"--heartbeat-interval=10", "--election-timeout=100",
		"--listen-client-urls=" + p.client, "--advertise-client-urls=" + p.client,
		"--listen-peer-urls=" + p.peer, "--initial-advertise-peer-urls=" + p.peer,
		"--initial-cluster=" + strings.Join(all, ","),
	}, more...)
}

func startAll(t *testing.T, members []place) []*etcdtest.Process {
	t.Helper()
	var running []*etcdtest.Process
	for _, m := range members {
		running = append(running, etcdtest.Start(t, nil, m.flags(members)...))
	}
	for i := range members {
		await(t, running[i], "ready to serve client requests")
	}
	return running
}

func await(t *testing.T, p *etcdtest.Process, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.Log(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("etcd does not say %q:\n%s", text, p.Log())
		}
	}
}

func client(t *testing.T, m place) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{m.client}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func three(t *testing.T) []place {
	t.Helper()
	return []place{newPlace(t, "http", "a"), newPlace(t, "http", "b"), newPlace(t, "http", "c")}
}

// wiped starts a follower again, without its data.
func wiped(state string) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		members := three(t)
		running := startAll(t, members)
		for i, m := range members {
			c := client(t, m)
			if _, err := c.Put(t.Context(), "key", "value"); err != nil { // something to have lost
				t.Fatal(err)
			}
			s, err := c.Status(t.Context(), m.client)
			if err != nil {
				t.Fatal(err)
			}
			if s.Leader == s.Header.MemberId {
				continue
			}
			running[i].Kill()
			if err := os.RemoveAll(m.data); err != nil {
				t.Fatal(err)
			}
			return etcdtest.Start(t, nil, m.flags(members, "--initial-cluster-state="+state)...)
		}
		t.Fatal("all members lead")
		return nil
	}
}

// notAdded is a member that joins without having been added.
func notAdded(t *testing.T) *etcdtest.Process {
	t.Helper()
	members := three(t)
	startAll(t, members[:2])
	return ended(t, etcdtest.Start(t, nil, members[2].flags(members, "--initial-cluster-state=existing")...))
}

// elsewhere is a member that joins from another address than it was added with.
func elsewhere(t *testing.T) *etcdtest.Process {
	t.Helper()
	members := three(t)
	startAll(t, members[:2])
	moved := members[2]
	moved.name = "b"
	return ended(t, etcdtest.Start(t, nil, moved.flags([]place{members[0], moved}, "--initial-cluster-state=existing")...))
}

// ofAnotherCluster is a member that forms a cluster of its own with a token of
// its own, next to peers who have it in theirs.
func ofAnotherCluster(t *testing.T) *etcdtest.Process {
	t.Helper()
	members := three(t)
	for _, m := range members[1:] {
		etcdtest.Start(t, nil, m.flags(members)...)
	}
	return etcdtest.Start(t, nil, members[0].flags(members, "--initial-cluster-token=other")...)
}

func removed(t *testing.T) *etcdtest.Process {
	t.Helper()
	members := three(t)
	running := startAll(t, members)
	c := client(t, members[0])
	list, err := c.MemberList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Members {
		if m.Name == "c" {
			for attempt := 0; ; attempt++ { // etcd wants to have been up for some seconds
				if _, err = c.MemberRemove(t.Context(), m.ID); err == nil || attempt == 100 {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return running[2]
}

// alone is a member that waits for another one, which is not there.
func alone(other string) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		m := newPlace(t, "http", "a")
		return etcdtest.Start(t, nil, m.flags([]place{m, {name: "b", peer: other}})...)
	}
}

// discovering is a member whose discovery token holds these keys.
func discovering(keys map[string]string) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		service := newPlace(t, "http", "discovery")
		startAll(t, []place{service})
		c := client(t, service)
		for key, value := range keys {
			if _, err := c.Put(t.Context(), "/_etcd/registry/token/"+key, value); err != nil {
				t.Fatal(err)
			}
		}
		m := newPlace(t, "http", "a")
		flags := m.flags(nil, "--discovery-token=token", "--discovery-endpoints="+service.client)
		flags = append(flags[:9], flags[10:]...) // without an initial cluster
		return ended(t, etcdtest.Start(t, nil, flags...))
	}
}

// withForeignData is a member who may read its data directory and no more.
func withForeignData(t *testing.T) *etcdtest.Process {
	t.Helper()
	m := newPlace(t, "http", "a")
	if err := os.Mkdir(m.data, 0o555); err != nil {
		t.Fatal(err)
	}
	return ended(t, etcdtest.StartAs(t, somebody(), m.flags([]place{m})...))
}

// somebody is a user who may not do everything.
func somebody() int {
	const nobody = 65534
	if uid := os.Getuid(); uid != 0 {
		return uid
	}
	return nobody
}

// secured gives flags for a member with the PKI in dir.
func secured(dir, member string) []string {
	at := filepath.Join(dir, "members", member)
	return []string{
		"--cert-file=" + at + "/server/tls.crt", "--key-file=" + at + "/server/tls.key",
		"--client-cert-auth", "--trusted-ca-file=" + at + "/server/ca.crt",
		"--peer-cert-file=" + at + "/peer/tls.crt", "--peer-key-file=" + at + "/peer/tls.key",
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + at + "/peer/ca.crt",
	}
}

// pki makes certificates for members, as they were some time ago.
func pki(t *testing.T, ago time.Duration, members ...string) string {
	t.Helper()
	dir := t.TempDir()
	plan := certs.Plan{Lifetime: time.Hour}
	for _, m := range members {
		plan.Members = append(plan.Members, certs.Member{Name: m})
	}
	p := certs.PKI{Dir: dir, Now: func() time.Time { return time.Now().Add(-ago) }}
	if _, err := p.Ensure(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return dir
}

func withWrongKey(t *testing.T) *etcdtest.Process {
	t.Helper()
	m, dir := newPlace(t, "https", "a"), pki(t, 0, "a", "b")
	replace(t, filepath.Join(dir, "members/a/server/tls.key"), filepath.Join(dir, "members/b/server/tls.key"))
	return ended(t, etcdtest.Start(t, nil, m.flags([]place{m}, secured(dir, "a")...)...))
}

func withUnreadableCertificates(t *testing.T) *etcdtest.Process {
	t.Helper()
	m, dir := newPlace(t, "https", "a"), pki(t, 0, "a")
	if err := os.Chmod(filepath.Join(dir, "members/a/server/tls.crt"), 0); err != nil {
		t.Fatal(err)
	}
	return ended(t, etcdtest.StartAs(t, somebody(), m.flags([]place{m}, secured(dir, "a")...)...))
}

func withoutCertificates(t *testing.T) *etcdtest.Process {
	t.Helper()
	m := newPlace(t, "https", "a")
	return ended(t, etcdtest.Start(t, nil, m.flags([]place{m}, secured(t.TempDir(), "a")...)...))
}

func replace(t *testing.T, file, by string) {
	t.Helper()
	data, err := os.ReadFile(by)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// dialling is the first of two members, each with the PKI in its folder.
func dialling(t *testing.T, first, second string) *etcdtest.Process {
	t.Helper()
	a, b := newPlace(t, "https", "a"), newPlace(t, "https", "b")
	etcdtest.Start(t, nil, b.flags([]place{a, b}, secured(second, "b")...)...)
	return etcdtest.Start(t, nil, a.flags([]place{a, b}, secured(first, "a")...)...)
}

func withForeignAuthority(t *testing.T) *etcdtest.Process {
	t.Helper()
	return dialling(t, pki(t, 0, "a", "b"), pki(t, 0, "a", "b"))
}

func withExpiredPeer(t *testing.T) *etcdtest.Process {
	t.Helper()
	dir := pki(t, 2*time.Hour, "a", "b") // an hour of life, two hours ago
	return dialling(t, dir, dir)
}

// withClientAsPeer is a member whose peer shows a certificate that is for
// clients alone.
func withClientAsPeer(t *testing.T) *etcdtest.Process {
	t.Helper()
	dir := pki(t, 0, "a", "b")
	authority, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca/peer/tls.crt"), filepath.Join(dir, "ca/peer/tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "members/b/peer")
	own, err := tls.LoadX509KeyPair(at+"/tls.crt", at+"/tls.key")
	if err != nil {
		t.Fatal(err)
	}
	own.Leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, own.Leaf, authority.Leaf, own.Leaf.PublicKey, authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(at+"/tls.crt", text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dialling(t, dir, dir)
}

// withMisnamedPeer is a member that reaches its peer by an address that the
// peer's certificate is not for.
func withMisnamedPeer(t *testing.T) *etcdtest.Process {
	t.Helper()
	dir := pki(t, 0, "a", "b")
	a, b := newPlace(t, "https", "a"), newPlace(t, "https", "b")
	b.peer = strings.Replace(b.peer, "127.0.0.1", "127.0.0.2", 1)
	etcdtest.Start(t, nil, b.flags([]place{a, b}, secured(dir, "b")...)...)
	return etcdtest.Start(t, nil, a.flags([]place{a, b}, secured(dir, "a")...)...)
}

// asServerOfStrangers is a member that is dialled by somebody who does not
// trust its authority.
func asServerOfStrangers(t *testing.T) *etcdtest.Process {
	t.Helper()
	m, dir := newPlace(t, "https", "a"), pki(t, 0, "a")
	p := etcdtest.Start(t, nil, m.flags([]place{m}, secured(dir, "a")...)...)
	await(t, p, "ready to serve client requests")
	if _, err := http.Get(m.client); err == nil {
		t.Fatal("a stranger trusts the member")
	}
	return p
}

// withDataOf is one of two members whose data is of members that spoke in
// another way.
func withDataOf(before, now string) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		dir := pki(t, 0, "a", "b")
		members := []place{newPlace(t, before, "a"), newPlace(t, before, "b")}
		start := func(scheme string) []*etcdtest.Process {
			var running []*etcdtest.Process
			for _, m := range members {
				var flags []string
				if scheme == "https" {
					flags = secured(dir, m.name)
				}
				running = append(running, etcdtest.Start(t, nil, m.flags(members, flags...)...))
			}
			return running
		}
		first := start(before)
		for _, p := range first {
			await(t, p, "ready to serve client requests")
		}
		for i, p := range first {
			p.Kill()
			for _, url := range []*string{&members[i].client, &members[i].peer} {
				*url = strings.Replace(*url, before, now, 1)
			}
		}
		return start(now)[0]
	}
}
