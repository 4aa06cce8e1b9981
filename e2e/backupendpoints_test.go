//go:build e2e && linux

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// Clusters that etcdctr did not make, and of which it sees nothing but where clients
// reach them.

// foreign is such a cluster, of plain processes.
type foreign struct {
	t       *testing.T
	l       *local // whose folder the archives are in
	minor   int
	mutual  bool
	certs   string
	initial []string
	peers   map[string]string
	urls    map[string]string
	running map[string]*etcdtest.Process
	flags   []string // what etcdctr takes to reach it
	etcd    *clientv3.Client
}

// newForeign starts three members, which know clients by certificates or by nothing.
func newForeign(t *testing.T, minor int, mutual bool) *foreign {
	t.Helper()
	f := &foreign{t: t, l: newLocal(t), minor: minor, mutual: mutual, peers: map[string]string{}, urls: map[string]string{}, running: map[string]*etcdtest.Process{}}
	f.l.etcdctr("certs", "create", "--members", "4")
	f.certs = filepath.Join(f.l.dir, "certs")
	names := []string{"etcd1", "etcd2", "etcd3"}
	for _, name := range names {
		f.place(name)
	}
	for _, name := range names {
		f.start(name, "new")
	}
	root := filepath.Join(f.certs, "clients", "root")
	f.flags = []string{"--cacert", filepath.Join(root, "ca.crt")}
	if mutual {
		f.flags = append(f.flags, "--cert", filepath.Join(root, "tls.crt"), "--key", filepath.Join(root, "tls.key"))
	}
	config := identityTLS(t, root)
	if !mutual {
		config.Certificates = nil
	}
	f.etcd = f.connect(config)
	eventually(t, "a write", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
		defer cancel()
		_, err := f.etcd.Put(ctx, "greeting", "hello")
		return err
	})
	return f
}

func (f *foreign) place(name string) {
	f.t.Helper()
	f.peers[name] = "http://" + etcdtest.FreeAddress(f.t, "127.0.0.1")
	f.urls[name] = "https://" + etcdtest.FreeAddress(f.t, "127.0.0.1")
	f.initial = append(f.initial, name+"="+f.peers[name])
}

func (f *foreign) start(name, state string) {
	f.t.Helper()
	server := filepath.Join(f.certs, "members", name, "server")
	settings := []string{
		"--name", name, "--data-dir", f.t.TempDir(), "--initial-cluster", strings.Join(f.initial, ","), "--initial-cluster-state", state,
		"--listen-client-urls", f.urls[name], "--advertise-client-urls", f.urls[name],
		"--listen-peer-urls", f.peers[name], "--initial-advertise-peer-urls", f.peers[name],
		"--cert-file", filepath.Join(server, "tls.crt"), "--key-file", filepath.Join(server, "tls.key"),
	}
	if f.mutual {
		settings = append(settings, "--client-cert-auth", "--trusted-ca-file", filepath.Join(server, "ca.crt"))
	}
	f.running[name] = etcdtest.StartProgram(f.t, etcdBinary(f.t, f.minor, "etcd"), nil, settings...)
}

// endpoints are the URLs of some.
func (f *foreign) endpoints(names ...string) string {
	var urls []string
	for _, name := range names {
		urls = append(urls, f.urls[name])
	}
	return strings.Join(urls, ",")
}

// connect gives etcd's own client.
func (f *foreign) connect(config *tls.Config) *clientv3.Client {
	f.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(f.endpoints("etcd1", "etcd2", "etcd3"), ","), TLS: config, Logger: zap.NewNop()})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	return c
}

// learner adds one.
func (f *foreign) learner(name string) {
	f.t.Helper()
	f.place(name)
	eventually(f.t, "a learner to be added", func() error {
		_, err := f.etcd.MemberAddAsLearner(f.t.Context(), []string{f.peers[name]})
		return err
	})
	f.start(name, "existing")
}

// followers are those that do not lead, and the leader's name.
func (f *foreign) followers() (names []string, leader string) {
	f.t.Helper()
	for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
		s, err := f.etcd.Status(f.t.Context(), f.urls[name])
		if err != nil {
			f.t.Fatal(err)
		}
		if s.Leader == s.Header.MemberId {
			leader = name
		} else {
			names = append(names, name)
		}
	}
	return names, leader
}

// backup takes one, and wants it to be of the data of one of these, and good.
func (f *foreign) backup(output, endpoints string, wantFrom ...string) {
	f.t.Helper()
	var made struct{ Metadata backup.Metadata }
	decode(f.t, f.l.etcdctr(append([]string{"backup", "--name", "far", "--output", output, "--format", "json", "--progress", "quiet", "--endpoints", endpoints}, f.flags...)...), &made)
	if m := made.Metadata; !slices.Contains(wantFrom, m.From) || m.Cluster != "far" || len(m.Members) < 3 || !strings.HasPrefix(m.Release, fmt.Sprintf("3.%d.", f.minor)) {
		f.t.Errorf("it is %+v, and not of the data of %v", m, wantFrom)
	}
	f.l.etcdctr("backup", "verify", output)
}

// refused is what is said where none is taken, and nothing is left of it.
func (f *foreign) refused(endpoints string, more ...string) string {
	f.t.Helper()
	args := append([]string{"backup", "--name", "far", "--output", "refused.tar.zst", "--progress", "quiet", "--endpoints", endpoints}, append(more, f.flags...)...)
	out, err := f.l.command(etcdctrBinary(f.t), args...).CombinedOutput()
	if err == nil {
		f.t.Errorf("it was taken: %s", out)
	}
	if left, err := filepath.Glob(filepath.Join(f.l.dir, "*refused*")); err != nil || len(left) > 0 {
		f.t.Errorf("it leaves %v, %v", left, err)
	}
	return string(out)
}

// comesBack restores a backup into a cluster of its own, and wants what was written.
func (f *foreign) comesBack(archive string) {
	f.t.Helper()
	defer f.l.try("down", "--file", "again.yaml", "--volumes", "--yes", "--no-backup")
	writeFile(f.t, filepath.Join(f.l.dir, "again.yaml"), "{name: again, runtime: process, certs-dir: again, members: 1}\n") // users come back too, and root is known by a certificate
	f.l.etcdctr("restore", "--file", "again.yaml", "--yes", "--progress", "quiet", archive)
	if out := f.l.etcdctr("etcdctl", "--file", "again.yaml", "get", "greeting"); !strings.Contains(out, "hello") {
		f.t.Errorf("it brings back %q", out)
	}
}

func TestABackupOfAClusterThatIsKnownByItsEndpoints(t *testing.T) {
	for minor := range cluster.KnownPatches {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			f := newForeign(t, minor, true)
			f.learner("etcd4")
			followers, leader := f.followers()
			f.backup("all.tar.zst", f.endpoints("etcd1", "etcd2", "etcd3", "etcd4"), followers...)
			f.backup("leader.tar.zst", f.endpoints(leader, "etcd4"), leader)
			eventually(t, "the learner to be refused as one", func() error {
				if said := f.refused(f.endpoints("etcd4")); !strings.Contains(said, "is a learner") {
					return fmt.Errorf("it says %s", said)
				}
				return nil
			})
			f.running[followers[0]].Signal(syscall.SIGSTOP) // it takes connections, and answers nothing
			f.backup("hung.tar.zst", f.endpoints("etcd1", "etcd2", "etcd3", "etcd4"), followers[1])
			f.running[followers[0]].Signal(syscall.SIGCONT)
			f.comesBack("all.tar.zst")
		})
	}
}

// Where etcd knows its users by their passwords, one with the role root gets the data.
func TestABackupByAUserWithAPassword(t *testing.T) {
	for minor := range cluster.KnownPatches {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			f := newForeign(t, minor, false)
			f.users()
			all := f.endpoints("etcd1", "etcd2", "etcd3")
			for password, text := range map[string]string{"right": "secret", "wrong": "guessed"} {
				writeFile(t, filepath.Join(f.l.dir, password), text+"\n")
			}
			for what, more := range map[string][]string{
				"nobody":             nil,
				"a wrong password":   {"--user", "root", "--password-file", "wrong"},
				"another user":       {"--user", "reader", "--password-file", "right"},
				"a user without one": {"--user", "root"},
			} {
				said := f.refused(all, more...)
				for _, want := range map[bool][]string{
					true:  {"there is no terminal to ask for the password of root on", "--password-file"},
					false: {"etcd's users do not permit it", "hint: etcd gives its data to users with the role root only"},
				}[len(more) == 2] {
					if !strings.Contains(said, want) {
						t.Errorf("%s: it says %q and not %q", what, said, want)
					}
				}
			}
			f.flags = append(f.flags, "--user", "root", "--password-file", "right")
			f.backup("all.tar.zst", all, "etcd1", "etcd2", "etcd3")
			f.comesBack("all.tar.zst")
		})
	}
}

// users gives etcd some, with passwords, and has it go by them.
func (f *foreign) users() {
	f.t.Helper()
	ctx := f.t.Context()
	_, errRole := f.etcd.RoleAdd(ctx, "reader")
	_, errRoot := f.etcd.UserAdd(ctx, "root", "secret")
	_, errGrant := f.etcd.UserGrantRole(ctx, "root", "root")
	_, errUser := f.etcd.UserAdd(ctx, "reader", "secret")
	_, errTo := f.etcd.UserGrantRole(ctx, "reader", "reader")
	_, errOn := f.etcd.AuthEnable(ctx)
	if err := errors.Join(errRole, errRoot, errGrant, errUser, errTo, errOn); err != nil {
		f.t.Fatal(err)
	}
}

// Members in containers that something else has started are known by where they are
// reached as well, and those of another cluster are never taken for theirs.
func TestABackupOfContainersThatSomethingElseStarted(t *testing.T) {
	l := newLocal(t)
	image := etcdImage(t, cluster.NewestMinor)
	started := func(name string) string {
		t.Helper()
		name = uniqueName(namePrefix) + name
		t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", "--volumes", name).Run() })
		run(t, "", "docker", "run", "--detach", "--name", name, image, "etcd", "--name", "far", "--initial-cluster-token", name,
			"--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", "http://127.0.0.1:2379")
		return strings.TrimSpace(run(t, "", "docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)) + ":2379"
	}
	one, other := started("-one"), started("-other")
	for _, at := range []string{one, other} {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{at}, Logger: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "a write", func() error {
			ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
			defer cancel()
			_, err := c.Put(ctx, "greeting", "hello")
			return err
		})
		c.Close()
	}
	if said := l.says("backup", "--endpoints", one, "--output", "one.tar.zst"); !strings.Contains(said, "of far") {
		t.Errorf("it says %s", said)
	}
	l.etcdctr("backup", "verify", "one.tar.zst")
	out, err := l.command(etcdctrBinary(t), "backup", "--endpoints", one+","+other, "--output", "both.tar.zst").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "they are members of different clusters") {
		t.Errorf("of two clusters it says %s, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "both.tar.zst")); err == nil {
		t.Error("of two clusters it made one backup")
	}
}

// The backups of a cluster that is known by its endpoints alone are kept in a bucket, and
// come back from there, by a machine that has nothing but the bucket.
func TestBackupsByEndpointsAreKeptInABucket(t *testing.T) {
	startS3(t, "far")
	const place = "s3://far/kept"
	f := newForeign(t, cluster.NewestMinor, true)
	write := func(value string) {
		t.Helper()
		if _, err := f.etcd.Put(t.Context(), "greeting", value); err != nil {
			t.Fatal(err)
		}
	}
	var kept []backup.FoundReport
	for _, value := range []string{"first", "second", "third"} {
		write(value)
		var made backup.FoundReport
		decode(t, f.l.etcdctr(append([]string{"backup", "--name", "far", "--output", place, "--format", "json", "--progress", "quiet", "--endpoints", f.endpoints("etcd1", "etcd2", "etcd3")}, f.flags...)...), &made)
		if !strings.HasPrefix(made.Path, place+"/") {
			t.Errorf("it is kept at %s", made.Path)
		}
		kept = append(kept, made)
	}
	write("lost")
	wantKept := func(want ...backup.FoundReport) {
		t.Helper()
		var got, wanted []string
		for line := range strings.Lines(f.l.etcdctr("backup", "list", place, "--format", "json")) {
			var b backup.FoundReport
			decode(t, line, &b)
			got = append(got, fmt.Sprint(b.Path, " ", b.Metadata.Revision))
		}
		for _, b := range want {
			wanted = append(wanted, fmt.Sprint(b.Path, " ", b.Metadata.Revision))
		}
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("the bucket has %q, want %q", got, wanted)
		}
	}
	wantKept(kept...)
	for _, b := range kept {
		if out := f.l.says("backup", "verify", b.Path); !strings.Contains(out, fmt.Sprintf("can be restored: revision %d", b.Metadata.Revision)) {
			t.Errorf("%s: %s", b.Path, out)
		}
	}
	if out := f.l.says("backup", "prune", place, "--keep-last", "2"); !strings.Contains(out, "1 backup deleted, 2 kept") {
		t.Errorf("pruned: %s", out)
	}
	wantKept(kept[1:]...)

	defer f.l.try("down", "--file", "again.yaml", "--volumes", "--yes", "--no-backup")
	writeFile(t, filepath.Join(f.l.dir, "again.yaml"), "{name: again, runtime: process, tls: none, members: 1}\n")
	for from, want := range map[string]string{place: "third", kept[1].Path: "second"} {
		f.l.etcdctr("restore", "--file", "again.yaml", "--yes", "--progress", "quiet", from)
		if out := f.l.etcdctr("etcdctl", "--file", "again.yaml", "get", "greeting", "--print-value-only"); out != want+"\n" {
			t.Errorf("%s brings back %q, want %s", from, out, want)
		}
		f.l.etcdctr("health", "--file", "again.yaml")
	}
	if _, err := f.l.try("backup", "verify", kept[0].Path); err == nil {
		t.Error("what was pruned is still there")
	}
}
