//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/lint"
)

// lintProofs run the mistake of each rule whose findings are errors, and see it
// do what the rule says. What runs is described to lint as well, which has to
// find it there.
var lintProofs = map[string]func(*mistake){
	"client-port-open":          (*mistake).clientPortOpen,
	"peer-port-open":            (*mistake).peerPortOpen,
	"auto-tls-client-auth":      (*mistake).autoTLS,
	"several-clusters":          (*mistake).severalClusters,
	"initial-cluster-missing":   (*mistake).initialClusterMissing,
	"bootstrap-setting-ignored": (*mistake).bootstrapIgnored,
	"environment-item-ignored":  (*mistake).listItems,
	"force-new-cluster":         (*mistake).forceNewCluster,
	"data-in-tmp":               (*mistake).dataInTmp,
	"data-not-kept":             (*mistake).dataNotKept,
	"token-differs":             (*mistake).tokensDiffer,
	"release-differs":           (*mistake).releasesDiffer,

	"cipher-suites-without-http2": (*mistake).cipherSuites,
}

func TestLintErrorsAreReal(t *testing.T) {
	for _, r := range lint.Rules() {
		if r.Severity != lint.Error {
			continue
		}
		prove, ok := lintProofs[r.ID]
		if !ok {
			t.Errorf("nothing proves that %s is an error", r.ID)
			continue
		}
		for minor := range cluster.KnownPatches {
			t.Run(fmt.Sprintf("%s/3.%d", r.ID, minor), func(t *testing.T) {
				prove(&mistake{T: t, rule: r.ID, minor: minor, dir: t.TempDir()})
			})
		}
	}
}

// mistake is a rule's mistake on a release of etcd.
type mistake struct {
	*testing.T
	rule  string
	minor int
	dir   string
}

// start starts a member with these settings as flags, and lint is told of it as
// a line of a Procfile.
func (m *mistake) start(name string, flags ...string) *etcdtest.Process {
	m.Helper()
	flags = append([]string{"--name=" + name, "--data-dir=" + filepath.Join(m.dir, name)}, flags...)
	return etcdtest.StartProgram(m.T, etcdBinary(m.T, m.minor, "etcd"), nil, flags...)
}

// wantFound wants lint to find the mistake in a description.
func (m *mistake) wantFound(name, text string) {
	m.Helper()
	stacks, err := lint.Read([]lint.Input{{Name: name, Data: []byte(text)}}, lint.Options{
		Release:  lint.Release{Major: 3, Minor: m.minor, Patch: -1, Known: true},
		ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist },
	})
	if err != nil {
		m.Fatal(err)
	}
	for _, s := range stacks {
		for _, f := range lint.Check(s) {
			if f.Rule == m.rule && f.Severity == lint.Error {
				return
			}
		}
	}
	m.Errorf("lint finds no %s in\n%s", m.rule, text)
}

// procfile describes members by their flags.
func procfile(members map[string][]string) string {
	var b strings.Builder
	for name, flags := range members {
		fmt.Fprintf(&b, "%s: etcd --name=%s %s\n", name, name, strings.Join(flags, " "))
	}
	return b.String()
}

func (m *mistake) etcdctl(endpoint string, args ...string) (string, error) {
	cmd := exec.CommandContext(m.Context(), etcdBinary(m.T, m.minor, "etcdctl"), append([]string{"--endpoints", endpoint}, args...)...)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out)), err
}

func (m *mistake) must(endpoint string, args ...string) string {
	m.Helper()
	out, err := m.etcdctl(endpoint, args...)
	if err != nil {
		m.Fatal(err)
	}
	return out
}

func (m *mistake) serves(endpoint string, tls ...string) {
	m.Helper()
	eventually(m.T, "the member to serve", func() error {
		_, err := m.etcdctl(endpoint, append(tls, "get", "x")...)
		return err
	})
}

// ownAddress is one of this machine that is not loopback: what is reached there
// is reached from elsewhere.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address but loopback")
	return ""
}

func (m *mistake) clientPortOpen() {
	port, peer := etcdtest.FreePort(m.T), etcdtest.FreeAddress(m.T, "127.0.0.1")
	flags := []string{
		fmt.Sprintf("--listen-client-urls=http://0.0.0.0:%d", port), fmt.Sprintf("--advertise-client-urls=http://127.0.0.1:%d", port),
		"--listen-peer-urls=http://" + peer, "--initial-advertise-peer-urls=http://" + peer, "--initial-cluster=one=http://" + peer,
	}
	m.wantFound("Procfile", procfile(map[string][]string{"one": flags}))
	m.start("one", flags...)
	stranger := fmt.Sprintf("http://%s:%d", ownAddress(m.T), port)
	m.serves(stranger)
	m.must(stranger, "put", "key", "theirs")
	if got := m.must(stranger, "get", "key", "--print-value-only"); got != "theirs" {
		m.Errorf("read %q", got)
	}
	if got := m.must(stranger, "del", "", "--prefix"); got != "1" {
		m.Errorf("deleted %q, want every key", got)
	}
}

func (m *mistake) peerPortOpen() {
	client, port := "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), etcdtest.FreePort(m.T)
	peer := fmt.Sprintf("http://127.0.0.1:%d", port)
	flags := []string{
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		fmt.Sprintf("--listen-peer-urls=http://0.0.0.0:%d", port), "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
	}
	m.wantFound("Procfile", procfile(map[string][]string{"one": flags}))
	m.start("one", flags...)
	m.serves(client)
	// What a member asks its peers first, and is answered as one.
	for _, path := range []string{"/members", "/version", "/raft/probing"} {
		req, err := http.NewRequestWithContext(m.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d%s", ownAddress(m.T), port, path), nil)
		if err != nil {
			m.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			m.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			m.Errorf("%s: %s, where a peer is answered", path, answer.Status)
		}
	}
}

// certificate makes a member's certificate, and gives the folder that it is in with its key.
func (m *mistake) certificate() string {
	certs := filepath.Join(m.dir, "certs")
	if out, err := exec.CommandContext(m.Context(), etcdctrBinary(m.T), "certs", "create", "--members", "1", "--certs-dir", certs).CombinedOutput(); err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(certs, "members", "etcd1", "server")
}

func (m *mistake) autoTLS() {
	server := m.certificate()
	start := func(name string, tls ...string) (endpoint string, flags []string) {
		endpoint = "https://" + etcdtest.FreeAddress(m.T, "127.0.0.1")
		peer := "http://" + etcdtest.FreeAddress(m.T, "127.0.0.1")
		flags = append([]string{
			"--listen-client-urls=" + endpoint, "--advertise-client-urls=" + endpoint,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=" + name + "=" + peer,
			"--client-cert-auth", "--trusted-ca-file=" + filepath.Join(server, "ca.crt"),
		}, tls...)
		m.start(name, flags...)
		return endpoint, flags
	}
	open, flags := start("auto", "--auto-tls")
	m.wantFound("Procfile", procfile(map[string][]string{"auto": flags}))
	stranger := []string{"--insecure-transport=false", "--insecure-skip-tls-verify"}
	m.serves(open, stranger...)
	m.must(open, append(stranger, "put", "key", "theirs")...)

	shown := []string{"--cert=" + filepath.Join(server, "tls.crt"), "--key=" + filepath.Join(server, "tls.key"), "--cacert=" + filepath.Join(server, "ca.crt")}
	closed, _ := start("files", "--cert-file="+filepath.Join(server, "tls.crt"), "--key-file="+filepath.Join(server, "tls.key"))
	m.serves(closed, shown...)
	if out, err := m.etcdctl(closed, append(stranger, "put", "key", "theirs")...); err == nil {
		m.Errorf("a member that is asked the same with files lets a stranger write: %s", out)
	}
}

// apart starts two members, and wants each to be a cluster of its own that does
// not see what the other is told.
func (m *mistake) apart(variables map[string][]string, flags map[string][]string) {
	m.Helper()
	var endpoints []string
	for _, name := range []string{"etcd-1", "etcd-2"} {
		client, peer := "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
		all := append([]string{
			"--name=" + name, "--data-dir=" + filepath.Join(m.dir, name), "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		}, flags[name]...)
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], "PEER", peer)
		}
		etcdtest.StartProgram(m.T, etcdBinary(m.T, m.minor, "etcd"), variables[name], all...)
		endpoints = append(endpoints, client)
	}
	for i, endpoint := range endpoints {
		m.serves(endpoint)
		m.must(endpoint, "put", "key", fmt.Sprint(i))
	}
	for i, endpoint := range endpoints {
		if got := m.must(endpoint, "get", "key", "--print-value-only"); got != fmt.Sprint(i) {
			m.Errorf("member %d sees %q, which the other was told", i, got)
		}
		if got := len(strings.Split(m.must(endpoint, "member", "list"), "\n")); got != 1 {
			m.Errorf("member %d is of a cluster of %d", i, got)
		}
	}
}

func (m *mistake) severalClusters() {
	m.wantFound("Procfile", procfile(map[string][]string{
		"etcd-1": {"--initial-advertise-peer-urls=http://127.0.0.1:2380", "--initial-cluster=etcd-1=http://127.0.0.1:2380"},
		"etcd-2": {"--initial-advertise-peer-urls=http://127.0.0.1:2480", "--initial-cluster=etcd-2=http://127.0.0.1:2480"},
	}))
	m.apart(nil, map[string][]string{"etcd-1": {"--initial-cluster=etcd-1=PEER"}, "etcd-2": {"--initial-cluster=etcd-2=PEER"}})
}

func (m *mistake) initialClusterMissing() {
	members, flags := map[string][]string{}, map[string][]string{}
	var clients, list []string
	for _, name := range []string{"etcd-1", "etcd-2", "etcd-3"} {
		client, peer := "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
		clients, list = append(clients, client), append(list, name+"="+peer)
		members[name] = []string{"--initial-advertise-peer-urls=" + peer}
		flags[name] = []string{"--listen-client-urls=" + client, "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer}
	}
	for _, name := range []string{"etcd-2", "etcd-3"} {
		members[name] = append(members[name], "--initial-cluster="+strings.Join(list, ","))
	}
	m.wantFound("Procfile", procfile(members))
	for name := range members {
		m.start(name, append(flags[name], members[name]...)...)
	}
	m.serves(clients[0])
	m.serves(clients[1])
	m.must(clients[0], "put", "key", "kept apart")
	if got := m.must(clients[1], "get", "key"); got != "" {
		m.Errorf("etcd-2 sees %q, which etcd-1 was told", got)
	}
	for i, n := range []int{1, 3} {
		if got := len(strings.Split(m.must(clients[i], "member", "list"), "\n")); got != n {
			m.Errorf("member %d is of a cluster of %d, want %d", i, got, n)
		}
	}
}

func (m *mistake) bootstrapIgnored() {
	ignored := map[int][]string{
		5: {"ETCD_DISCOVERY_TOKEN=abc", "ETCD_DISCOVERY_ENDPOINTS=http://127.0.0.1:1"},
		6: {"ETCD_INITAL_CLUSTER=etcd-1=http://127.0.0.1:1,etcd-2=http://127.0.0.1:2"},
		7: {"ETCD_DISCOVERY=http://127.0.0.1:1/abc"},
	}[m.minor]
	m.wantFound("Procfile", "etcd-1: "+strings.Join(ignored, " ")+" etcd --name=etcd-1\n")
	m.apart(map[string][]string{"etcd-1": ignored, "etcd-2": ignored}, nil)
}

func (m *mistake) listItems() {
	const list = "etcd-1=http://etcd-1:2380,etcd-2=http://etcd-2:2380"
	var file strings.Builder
	file.WriteString("services:\n")
	for _, name := range []string{"etcd-1", "etcd-2"} {
		fmt.Fprintf(&file, "  %s:\n    image: quay.io/coreos/etcd:%s\n    environment:\n      - \"ETCD_INITIAL_CLUSTER: %s\"\n", name, cluster.KnownPatches[m.minor], list)
	}
	m.wantFound("compose.yaml", file.String())
	// What Compose makes of it is what the members get.
	path := filepath.Join(m.dir, "compose.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
		m.Fatal(err)
	}
	out, err := exec.CommandContext(m.Context(), "docker-compose", "-f", path, "config", "--format", "json").Output()
	if err != nil {
		m.Fatal(err)
	}
	var project struct {
		Services map[string]struct{ Environment map[string]*string }
	}
	if err := json.Unmarshal(out, &project); err != nil {
		m.Fatal(err)
	}
	env := map[string][]string{}
	for name, s := range project.Services {
		for k, v := range s.Environment {
			if v != nil {
				env[name] = append(env[name], k+"="+*v)
			}
		}
		if len(s.Environment) == 0 {
			m.Errorf("Compose gives %s no environment at all", name)
		}
	}
	m.apart(env, nil)
}

func (m *mistake) forceNewCluster() {
	flags, ends := map[string][]string{}, map[string]string{}
	var list []string
	peers := map[string]string{}
	for _, name := range []string{"one", "two"} {
		ends[name], peers[name] = "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
		list = append(list, name+"="+peers[name])
	}
	slices.Sort(list)
	for name := range ends {
		flags[name] = []string{
			"--listen-client-urls=" + ends[name], "--advertise-client-urls=" + ends[name], "--listen-peer-urls=" + peers[name],
			"--initial-advertise-peer-urls=" + peers[name], "--initial-cluster=" + strings.Join(list, ","),
		}
	}
	one, two := m.start("one", flags["one"]...), m.start("two", flags["two"]...)
	m.serves(ends["one"])
	if got := len(strings.Split(m.must(ends["one"], "member", "list"), "\n")); got != 2 {
		m.Fatalf("the cluster has %d members, want two", got)
	}
	one.Stop()
	two.Stop()
	forced := append(slices.Clone(flags["one"]), "--force-new-cluster")
	m.wantFound("Procfile", procfile(map[string][]string{"one": forced}))
	m.start("one", forced...)
	m.serves(ends["one"])
	if got := m.must(ends["one"], "member", "list"); strings.Contains(got, peers["two"]) {
		m.Errorf("the other is still a member: %s", got)
	}
}

// dataInTmp has systemd do to a folder what it does to /tmp when the machine
// starts.
func (m *mistake) dataInTmp() {
	m.wantFound("Procfile", "one: etcd --data-dir=/tmp/one --name=one\n")
	client, peer := "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1"), "http://"+etcdtest.FreeAddress(m.T, "127.0.0.1")
	root := m.dir
	m.dir = filepath.Join(root, "tmp")
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		m.Fatal(err)
	}
	flags := []string{
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
	}
	first := m.start("one", flags...)
	m.serves(client)
	m.must(client, "put", "key", "value")
	first.Stop()
	out, err := exec.CommandContext(m.Context(), "systemd-tmpfiles", "--root="+root, "--boot", "--remove", "/usr/lib/tmpfiles.d/tmp.conf").CombinedOutput()
	if err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
	m.start("one", flags...)
	m.serves(client)
	if got := m.must(client, "get", "key"); got != "" {
		m.Errorf("the data is still there: %s", got)
	}
}

// dataNotKept replaces a container whose volume is elsewhere than the data.
func (m *mistake) dataNotKept() {
	image := etcdImage(m.T, m.minor)
	m.wantFound("compose.yaml", "services: {etcd: {image: \"quay.io/coreos/etcd:"+cluster.KnownPatches[m.minor].String()+"\", command: etcd --data-dir=/data, volumes: [\"data:/etcd-data\"]}}\nvolumes: {data: }\n")
	name := fmt.Sprintf("etcdctr-e2e-lint-%d", etcdtest.FreePort(m.T))
	remove := func() error {
		return exec.CommandContext(context.Background(), "docker", "rm", "--force", "--volumes", name).Run()
	}
	m.Cleanup(func() {
		_ = remove()
		_ = exec.CommandContext(context.Background(), "docker", "volume", "rm", name).Run()
	})
	inside := func(args ...string) (string, error) {
		out, err := exec.CommandContext(m.Context(), "docker", append([]string{"exec", name, "/usr/local/bin/etcdctl"}, args...)...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	run := func() {
		out, err := exec.CommandContext(m.Context(), "docker", "run", "--detach", "--network=none", "--name", name, "--volume", name+":/etcd-data",
			image, "/usr/local/bin/etcd", "--data-dir=/data").CombinedOutput()
		if err != nil {
			m.Fatalf("%v\n%s", err, out)
		}
		eventually(m.T, "the container to serve", func() error { _, err := inside("get", "x"); return err })
	}
	run()
	if out, err := inside("put", "key", "value"); err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
	if err := remove(); err != nil {
		m.Fatal(err)
	}
	run()
	if got, err := inside("get", "key"); err != nil || got != "" {
		m.Errorf("the data is still there: %q, %v", got, err)
	}
}

// TestSmokeLintJudgesWhatRuns has lint ask the engine about containers of
// somebody else's.
func TestSmokeLintJudgesWhatRuns(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	name := fmt.Sprintf("etcdctr-e2e-lint-%d", etcdtest.FreePort(t))
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "docker", "rm", "--force", name).Run() })
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--detach", "--network=none", "--name", name,
		"--env", "ETCD_FORCE_NEW_CLUSTER=true", image, "/usr/local/bin/etcd", "--data-dir=/data").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "lint", "--running", name, "--format", "json")
	found, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v: %v, want exit status 1\n%s", cmd, err, found)
	}
	for _, rule := range []string{"data-not-kept", "force-new-cluster", "no-health-check"} {
		if !strings.Contains(string(found), `"rule": "`+rule+`"`) {
			t.Errorf("no %s in\n%s", rule, found)
		}
	}
}
