//go:build e2e && linux

package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/cluster"
)

// etcd's users, as the page has them: turned on, changed and turned off under a
// client that writes and others that come anew, none of whom may notice.

// pageUsers is the example of docs/users.md, with a user for the load.
func pageUsers(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindStringSubmatch(readFile(t, "../docs/users.md"))
	if found == nil {
		t.Fatal("the page has no cluster file")
	}
	text := strings.Replace(found[1], "  roles:\n", "  roles:\n    load:\n      - {prefix: "+loadPrefix+", access: readwrite}\n      - {key: "+strings.TrimSuffix(loadPrefix, "/")+", access: read}\n", 1)
	return strings.Replace(text, "  users:\n", "  users:\n    load: [load]\n", 1)
}

// usersUnderLoad changes users as up does it, by a function that is given the
// cluster file.
func usersUnderLoad(t *testing.T, dir string, etcdctr func(...string) string, up func(file string), config func(client string) clientv3.Config) {
	t.Helper()
	on := pageUsers(t)
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	password := func(text string) { writeFile(t, filepath.Join(dir, "secrets", "patroni"), text+"\n") }
	password("one")
	for _, client := range []string{"load", "orders-app", "auditor"} {
		etcdctr("certs", "issue", client)
	}
	l := startLoadOf(t, config("load"), etcdctlTimeout)
	l.startNewcomers(func() clientv3.Config { return config("load") })
	step := func(file string, checks ...string) {
		t.Helper()
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		up(file)
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		for _, check := range append(checks, "health") {
			etcdctr(strings.Fields(check)...)
		}
	}
	step(on, "verify", "health --deep", "backup", "doctor", "etcdctl put /orders/1 paid")
	wantAccess(t, config, "orders-app", "/orders/1", true)
	wantAccess(t, config, "auditor", "/orders/1", false)
	password("two")
	step(strings.Replace(on, "orders-app: [orders]", "orders-app: [auditors]", 1), "verify")
	wantAccess(t, config, "orders-app", "/orders/1", false)
	step(strings.Replace(on, "enabled: true", "enabled: false", 1), "verify")
	wantAccess(t, config, "auditor", "/orders/1", true)
	step(on, "verify")
	step("auth: {enabled: false}", "verify")
	if users := strings.Fields(etcdctr("etcdctl", "user", "list")); len(users) != 1 || users[0] != cluster.RootName {
		t.Errorf("the users are %v once none is declared", users)
	}
	l.finish()
	l.wantNobodyTurnedAway()
	t.Logf("%d writes, longest gap %s", l.acknowledged(), l.longestGap())
	l.wantNoWriteFailed()
}

// wantAccess wants a client to be able to write a key, or not.
func wantAccess(t *testing.T, config func(string) clientv3.Config, client, key string, may bool) {
	t.Helper()
	c := loadClient(t, config(client))
	if _, err := c.Put(t.Context(), key, "new"); (err == nil) != may {
		t.Errorf("%s writes %s: %v", client, key, err)
	}
}

func TestUsersOfProcessesChangeUnderLoad(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		l, up := small(t, minor)
		set := func(file string) {
			l.set(file)
			l.etcdctr(up("--etcd", minorRelease(minor))...)
		}
		set("")
		usersUnderLoad(t, l.dir, l.etcdctr, set, func(client string) clientv3.Config {
			config := l.clientConfig()
			config.TLS = identityTLS(t, filepath.Join(l.dir, "certs", "clients", client))
			return config
		})
	})
}

func TestUsersOfContainersChangeUnderLoad(t *testing.T) {
	s, endpoints := newServedStack(t, cluster.NewestMinor)
	file := readFile(t, filepath.Join(s.dir, "etcdctr.yaml"))
	etcdctr := func(args ...string) string {
		if args[0] == "certs" {
			return run(t, s.dir, etcdctrBinary(t), args...)
		}
		return run(t, s.dir, etcdctrBinary(t), append([]string{args[0], "--name", s.name}, args[1:]...)...)
	}
	up := func(auth string) {
		writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), file+"\n"+auth)
		s.etcdctr("up")
	}
	usersUnderLoad(t, s.dir, etcdctr, up, func(client string) clientv3.Config {
		return clientv3.Config{Endpoints: endpoints, TLS: identityTLS(t, filepath.Join(s.dir, "certs", "clients", client))}
	})
	up(pageUsers(t))
	etcdctr("restart", "etcd1") // which others' tests watch under load
	s.up()                      // whose health checks come by the members' certificates
	if logs := s.etcdctr("logs", "--raw"); strings.Contains(logs, `"cannot find a user for permission check","user-name":"etcd`) {
		t.Error("a member's health check is a stranger to etcd, which writes that down each time")
	}
	etcdctr("certs", "issue", "patroni", "--no-cn")
	wantPasswordAtTheGateway(t, filepath.Join(s.dir, "certs", "clients", "patroni"), endpoints[0], "two")
}

// A backup of before etcd went by its users brings back no cluster that is open to all who
// have a certificate.
func TestRestoredContainersGoByTheUsersOfTheDescription(t *testing.T) {
	s, endpoints := newServedStack(t, cluster.NewestMinor)
	named := func(args ...string) string {
		return run(t, s.dir, etcdctrBinary(t), append([]string{args[0], "--name", s.name}, args[1:]...)...)
	}
	run(t, s.dir, etcdctrBinary(t), "certs", "issue", "auditor")
	named("backup", "--output", "before.tar.zst")
	file := readFile(t, filepath.Join(s.dir, "etcdctr.yaml"))
	const auth = `
auth:
  enabled: true
  roles: {auditors: [{prefix: "", access: read}]}
  users: {auditor: [auditors]}
`
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), file+auth)
	named("restore", "--yes", "before.tar.zst")
	wantAccess(t, func(client string) clientv3.Config {
		return clientv3.Config{Endpoints: endpoints, TLS: identityTLS(t, filepath.Join(s.dir, "certs", "clients", client))}
	}, "auditor", "/orders/1", false)
	named("verify")
	if plan := strings.TrimSpace(named("up", "--dry-run", "--format", "json")); plan != "[]" {
		t.Errorf("up would still do %s", plan)
	}
}

func identityTLS(t *testing.T, dir string) *tls.Config {
	t.Helper()
	pair, roots := readIdentity(t, dir)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// wantPasswordAtTheGateway writes by JSON with a token, as patroni does.
func wantPasswordAtTheGateway(t *testing.T, dir, endpoint, password string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: identityTLS(t, dir)}}
	ask := func(path, token, body string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", token)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer struct{ Token string }
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, response.Status, err)
		}
		return answer.Token
	}
	token := ask("/v3/auth/authenticate", "", fmt.Sprintf(`{"name":"patroni","password":%q}`, password))
	ask("/v3/kv/put", token, `{"key":"L29yZGVycy8y","value":"cGFpZA=="}`) // /orders/2
}

// What was backed up with users on comes back with them: etcd goes by them, certificates
// and passwords let in whom they did, and nothing is left to do.
func TestUsersAndPasswordsComeBackFromABackup(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		l, up := small(t, minor)
		if err := os.Mkdir(filepath.Join(l.dir, "secrets"), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(l.dir, "secrets", "patroni"), "one\n")
		l.etcdctr("certs", "create")
		for _, client := range [][]string{{"orders-app"}, {"auditor"}, {"load"}, {"patroni", "--no-cn"}} {
			l.etcdctr(append([]string{"certs", "issue"}, client...)...)
		}
		l.set(pageUsers(t))
		l.etcdctr(up("--etcd", minorRelease(minor))...)
		l.etcdctr("etcdctl", "put", "/orders/1", "before")
		l.etcdctr("backup", "--output", "before.tar.zst")
		l.etcdctr("etcdctl", "put", "/orders/1", "after")
		l.etcdctr("etcdctl", "user", "delete", "auditor") // nobody of the description
		l.etcdctr("restore", "--yes", "before.tar.zst")

		if got := l.etcdctr("etcdctl", "get", "/orders/1", "--print-value-only"); got != "before\n" {
			t.Errorf("it brings back %q", got)
		}
		if got := l.etcdctr("etcdctl", "auth", "status"); !strings.Contains(got, "Authentication Status: true") {
			t.Errorf("of users it says %q", got)
		}
		if users := strings.Fields(l.etcdctr("etcdctl", "user", "list")); !slices.Contains(users, "auditor") || !slices.Contains(users, "patroni") {
			t.Errorf("the users are %v", users)
		}
		l.etcdctr("health")
		l.etcdctr("doctor")
		l.etcdctr("verify")
		config := func(client string) clientv3.Config {
			c := l.clientConfig()
			c.TLS = identityTLS(t, filepath.Join(l.dir, "certs", "clients", client))
			return c
		}
		wantAccess(t, config, "orders-app", "/orders/1", true)
		wantAccess(t, config, "auditor", "/orders/1", false)
		byPassword := func(password string) error {
			c := config("patroni")
			c.Username, c.Password, c.DialTimeout, c.Logger = "patroni", password, requestTimeout, zap.NewNop()
			client, err := clientv3.New(c)
			if err != nil {
				return err
			}
			defer client.Close()
			_, err = client.Put(t.Context(), "/orders/2", "paid")
			return err
		}
		if err := byPassword("one"); err != nil {
			t.Errorf("with its password patroni is refused: %v", err)
		}
		if err := byPassword("another"); err == nil {
			t.Error("a wrong password lets patroni in")
		}
		if plan := strings.TrimSpace(l.etcdctr(append(up("--etcd", minorRelease(minor)), "--dry-run", "--format", "json")...)); plan != "[]" {
			t.Errorf("up would still do %s", plan)
		}
	})
}
