//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr/cluster"
)

// Members on machines whose engines are reached from another one, by ssh, by TLS and as
// a Docker context in turn. The commands run on the network's server, which shares neither files nor
// sockets with the machines.

// fleetBoot is boot of such a machine. What this machine keeps in its folder for
// temporary files is not there.
const fleetBoot = `mount -t tmpfs tmpfs /run
mkdir /run/disk /run/sshd
mount --bind $0 /run/disk
mount --bind $0/resolv.conf /etc/resolv.conf
mount -t tmpfs tmpfs ${TMPDIR:-/tmp}
/usr/sbin/sshd -D -e -f /run/disk/sshd_config &
exec dockerd --log-level error --config-file /run/disk/daemon.json --host unix:///run/docker.sock --host unix:///run/disk/engine.sock \
	--host tcp://0.0.0.0:` + engineTLSPort + ` --tlsverify --tlscacert /run/disk/ca.pem --tlscert /run/disk/cert.pem --tlskey /run/disk/key.pem \
	--data-root /run/disk/data --storage-driver vfs --exec-root /run/docker --pidfile /run/docker.pid`

const fleetSSHD = `HostKey /run/disk/host_key
AuthorizedKeysFile /run/disk/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
`

// fleetTest is a cluster with its machines.
type fleetTest struct {
	*lan
	name     string
	home     string // of the cluster file
	client   string // what engines are shown
	machines []*machine
}

// newFleet starts so many machines that have images.
func newFleet(t *testing.T, machines int, images ...string) *fleetTest {
	t.Helper()
	return newFleetThat(t, fleetBoot, machines, images...)
}

// newFleetThat is newFleet of machines that do something else when their power comes on.
func newFleetThat(t *testing.T, boot string, machines int, images ...string) *fleetTest {
	t.Helper()
	f := &fleetTest{lan: newLAN(t, ipv4), name: uniqueName(namePrefix), home: t.TempDir()}
	f.boot, f.config = boot, todaysConfig
	keys, authority := t.TempDir(), craftAuthority(t)
	for _, key := range []string{"host_key", "user_key"} {
		run(t, keys, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	}
	f.client = installPEM(t, t.TempDir(), authority, x509.ExtKeyUsageClientAuth, "client")
	archive := filepath.Join(t.TempDir(), "images.tar")
	run(t, "", "docker", append([]string{"save", "--output", archive}, images...)...)
	for i := range machines {
		m := f.installMachine(i + 1)
		installPEM(t, m.disk, authority, x509.ExtKeyUsageServerAuth, m.address)
		run(t, keys, "cp", "host_key", "user_key.pub", m.disk)
		writeFile(t, filepath.Join(m.disk, "sshd_config"), fleetSSHD)
		m.powerOn()
		m.load(archive)
		f.machines = append(f.machines, m)
	}
	f.configureSSH(keys)
	f.makeContexts()
	t.Cleanup(func() {
		if t.Failed() {
			f.showLogs()
		}
	})
	return f
}

// installPEM writes a certificate of an authority under Docker's names.
func installPEM(t *testing.T, dir string, issuer crafter, usage x509.ExtKeyUsage, host string) string {
	t.Helper()
	pair := issuer.craft(t, -time.Hour, 24*time.Hour, []x509.ExtKeyUsage{usage}, host)
	writeFile(t, filepath.Join(dir, "ca.pem"), encodePEM("CERTIFICATE", issuer.cert.Raw))
	writeFile(t, filepath.Join(dir, "cert.pem"), encodePEM("CERTIFICATE", pair.Certificate[0]))
	writeFile(t, filepath.Join(dir, "key.pem"), encodeKey(t, pair))
	return dir
}

// configureSSH stands for a user's ~/.ssh.
func (f *fleetTest) configureSSH(keys string) {
	f.t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		f.t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(keys, "host_key.pub"))
	if err != nil {
		f.t.Fatal(err)
	}
	var known strings.Builder
	for _, m := range f.machines {
		fmt.Fprintf(&known, "%s %s", m.address, public)
	}
	writeFile(f.t, filepath.Join(keys, "known_hosts"), known.String())
	writeFile(f.t, filepath.Join(keys, "config"), fmt.Sprintf("IdentitiesOnly yes\nBatchMode yes\nIdentityFile %[1]s/user_key\nUserKnownHostsFile %[1]s/known_hosts\n", keys))
	script := fmt.Sprintf("#!/bin/sh\nexec %s -F %s/config \"$@\"\n", program, keys)
	if err := os.WriteFile(filepath.Join(keys, "ssh"), []byte(script), 0o755); err != nil {
		f.t.Fatal(err)
	}
	f.t.Setenv("PATH", keys+":"+os.Getenv("PATH"))
}

// makeContexts stands for what somebody has told the docker command of the machines.
func (f *fleetTest) makeContexts() {
	f.t.Helper()
	f.t.Setenv("DOCKER_CONFIG", f.t.TempDir())
	for _, m := range f.machines {
		run(f.t, "", "docker", "context", "create", m.member, "--docker", "host=ssh://root@"+m.address)
	}
}

func (f *fleetTest) showLogs() {
	for _, m := range f.machines {
		if out, err := output(m.engine("ps", "--all"), ""); err == nil {
			f.t.Logf("on %s:\n%s", m.address, out)
		}
		if names, err := output(m.engine("ps", "--all", "--quiet"), ""); err == nil {
			for _, id := range strings.Fields(names) {
				said, _ := m.engine("logs", "--tail", "15", id).CombinedOutput()
				f.t.Logf("%s on %s:\n%s", id, m.address, said)
			}
		}
	}
}

// seat is a member on a machine.
type seat struct {
	member string
	at     *machine
}

// seats gives the first members of the cluster the machines in their order.
func (f *fleetTest) seats(machines ...int) []seat {
	var all []seat
	for i, n := range machines {
		all = append(all, seat{fmt.Sprintf("etcd%d", i+1), f.machines[n-1]})
	}
	return all
}

// describe writes the cluster file. Every second machine is reached by TLS, and the third
// as a context.
func (f *fleetTest) describe(seats []seat, lines ...string) {
	f.t.Helper()
	text := "name: " + f.name + "\n" + strings.Join(lines, "\n") + "\nmembers:\n"
	for _, s := range seats {
		way := "engine: ssh://root@" + s.at.address
		switch s.at.member {
		case "etcd2", "etcd4":
			way = "engine: tcp://" + s.at.address + ":" + engineTLSPort + ", engine-certs: " + f.client
		case "etcd3":
			way = "engine: " + s.at.member
		}
		text += fmt.Sprintf("  - {name: %s, host: %s, %s}\n", s.member, s.at.address, way)
	}
	writeFile(f.t, filepath.Join(f.home, "etcdctr.yaml"), text)
}

// etcdctr runs a command that has to succeed, and gives what it printed.
func (f *fleetTest) etcdctr(args ...string) string {
	f.t.Helper()
	out, err := f.try(args...)
	if err != nil {
		f.t.Fatalf("etcdctr %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (f *fleetTest) try(args ...string) (string, error) {
	f.t.Helper()
	cmd := f.inside(etcdctrBinary(f.t), args...)
	cmd.Dir = f.home
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	err := cmd.Run()
	f.t.Logf("etcdctr %s: %v\n%s%s", strings.Join(args, " "), time.Since(began).Round(10*time.Millisecond), out.String(), said.String())
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return out.String(), err
}

// containers are the IDs of the cluster's on all machines.
func (f *fleetTest) containers() string {
	f.t.Helper()
	all := ""
	for _, m := range f.machines {
		all += succeed(f.t, m.engine("ps", "--quiet", "--no-trunc", "--filter", "label=com.docker.compose.project="+f.name), "")
	}
	return all
}

// clientConfig connects from the network's server to every address that a member may
// have.
func (f *fleetTest) clientConfig() clientv3.Config {
	f.t.Helper()
	dir := filepath.Join(f.home, "certs", "clients", "root")
	config, err := transport.TLSInfo{
		CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), TrustedCAFile: filepath.Join(dir, "ca.crt"),
	}.ClientConfig()
	if err != nil {
		f.t.Fatal(err)
	}
	c := clientv3.Config{TLS: config, DialTimeout: time.Second, DialKeepAliveTime: time.Second, DialKeepAliveTimeout: time.Second}
	for _, m := range f.machines {
		c.Endpoints = append(c.Endpoints, "https://"+net.JoinHostPort(m.address, "2379"))
	}
	c.DialOptions = []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (conn net.Conn, err error) {
		err = place("/run/netns/" + f.namespace).in(func() (err error) {
			conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
			return err
		})
		return conn, err
	})}
	return c
}

// journal is a writer at work, with the gaps that each change has cost.
type journal struct {
	*load
	f    *fleetTest
	rows []string
}

func (f *fleetTest) startJournal() *journal {
	f.t.Helper()
	return &journal{load: startLoadOf(f.t, f.clientConfig(), 2*time.Second), f: f}
}

// during does something, and notes for how long no write was acknowledged.
func (j *journal) during(what string, do func()) {
	j.f.t.Helper()
	j.wantMore(settledWrites)
	began := time.Now()
	do()
	took := time.Since(began)
	j.wantMore(settledWrites)
	j.mu.Lock()
	defer j.mu.Unlock()
	var gap time.Duration
	for i := 1; i < len(j.acks); i++ {
		if j.acks[i].at.After(began) {
			gap = max(gap, j.acks[i].at.Sub(j.acks[i-1].at))
		}
	}
	j.rows = append(j.rows, fmt.Sprintf("%-44s %8s %8s", what, took.Round(100*time.Millisecond), gap.Round(time.Millisecond)))
}

// judge ends the writer, and wants nothing lost of what was acknowledged.
func (j *journal) judge() {
	j.f.t.Helper()
	j.finish()
	j.f.t.Logf("%-44s %8s %8s\n%s\nacknowledged %d, lost 0 unless an error above says otherwise", "change", "took", "gap", strings.Join(j.rows, "\n"), len(j.acks))
}

// wantHealthyUnaided waits until all members serve without a command.
func (f *fleetTest) wantHealthyUnaided(s *spread) {
	f.t.Helper()
	began := time.Now()
	s.wantOneCluster()
	f.t.Logf("healthy %v after its power came back", time.Since(began).Round(100*time.Millisecond))
}

func (f *fleetTest) spread(seats []seat) *spread {
	s := &spread{t: f.t, name: f.name, dir: f.home}
	for _, x := range seats {
		m := *x.at
		m.member = x.member
		s.machines = append(s.machines, &m)
	}
	return s
}

func TestFleetIsFoundAndChanged(t *testing.T) {
	useTodaysEngine(t)
	older, newest := "image: "+etcdImage(t, cluster.NewestMinor-1), "image: "+etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 5, strings.TrimPrefix(older, "image: "), strings.TrimPrefix(newest, "image: "))
	f.describe(f.seats(1, 2, 3), older)
	f.etcdctr("up")
	for _, m := range f.machines[:3] {
		if out := succeed(t, m.engine("inspect", "--format", "{{range .Mounts}}{{.Type}} {{.Source}}\n{{end}}", f.name+"-"+m.member+"-1"), ""); strings.Contains(out, "bind") {
			t.Errorf("%s mounts:\n%s", m.member, out)
		}
	}
	was := f.containers()
	f.etcdctr("up")
	if now := f.containers(); now != was {
		t.Errorf("a second up has changed\n%s\ninto\n%s", was, now)
	}
	f.wantEveryCommand()

	j := f.startJournal()
	j.during("3 → 5", func() { f.describe(f.seats(1, 2, 3, 4, 5), older); f.etcdctr("up") })
	j.during("a setting", func() { f.describe(f.seats(1, 2, 3, 4, 5), older, "snapshot-count: 5000"); f.etcdctr("up") })
	j.during("5 → 3", func() {
		f.describe(f.seats(1, 2, 3), older, "snapshot-count: 5000")
		f.etcdctr("up", "--volumes", "--yes")
	})
	j.during("a release", func() { f.describe(f.seats(1, 2, 3), newest, "snapshot-count: 5000"); f.etcdctr("up") })
	j.during("certificates renewed", func() { f.etcdctr("certs", "renew"); f.etcdctr("up") })
	f.wantShownCertificates()
	j.during("a member replaced", func() { f.etcdctr("member", "replace", "etcd2") })
	j.during("restart", func() { f.etcdctr("restart") })
	j.judge()

	f.etcdctr("stop")
	f.etcdctr("start")
	f.spread(f.seats(1, 2, 3)).wantOneCluster()
	f.etcdctr("down")
	f.etcdctr("up")
	f.spread(f.seats(1, 2, 3)).wantOneCluster()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// wantEveryCommand does what somebody does with a cluster that runs.
func (f *fleetTest) wantEveryCommand() {
	f.t.Helper()
	for _, words := range []struct{ command, says string }{
		{"ps", "etcd3"},
		{"ps --format json", `"host": "` + f.machines[2].address + `"`},
		{"health", ""},
		{"verify", "network"},
		{"doctor", ""},
		{"etcdctl put key value", "OK"},
		{"exec etcd2 -- etcdctl get key --print-value-only", "value"},
		{"logs --tail 2", "etcd3"},
		{"backup -o kept.etcdctr", ""},
		{"ls", f.name},
	} {
		if out := f.etcdctr(strings.Fields(words.command)...); !strings.Contains(out, words.says) {
			f.t.Errorf("etcdctr %s says nothing of %q", words.command, words.says)
		}
	}
}

// wantShownCertificates wants each machine to have its own member's certificates of
// the folder, and no other's.
func (f *fleetTest) wantShownCertificates() {
	f.t.Helper()
	for _, m := range f.machines[:3] {
		there, err := m.engine("exec", f.name+"-"+m.member+"-1", "/usr/local/bin/etcdctl", "version").CombinedOutput()
		if err != nil {
			f.t.Fatalf("%s: %s", err, there)
		}
		copied := succeed(f.t, m.engine("cp", f.name+"-"+m.member+"-1:/etc/etcd/certs/server/tls.crt", "-"), "")
		here, err := os.ReadFile(filepath.Join(f.home, "certs", "members", m.member, "server", "tls.crt"))
		if err != nil || !strings.Contains(copied, string(here)) {
			f.t.Errorf("%s has another certificate than %s's in the folder: %v", m.address, m.member, err)
		}
	}
}

// wantNothingLeft wants no container, network or volume of the cluster anywhere.
func (f *fleetTest) wantNothingLeft() {
	f.t.Helper()
	for _, m := range f.machines {
		filter := "label=com.docker.compose.project=" + f.name
		left := succeed(f.t, m.engine("ps", "--all", "--quiet", "--filter", filter), "") +
			succeed(f.t, m.engine("network", "ls", "--quiet", "--filter", filter), "") +
			succeed(f.t, m.engine("volume", "ls", "--quiet", "--filter", filter), "")
		if left != "" {
			f.t.Errorf("on %s is left: %s", m.address, left)
		}
	}
}

func TestFleetSurvivesPowerCuts(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	seats := f.seats(1, 2, 3)
	f.describe(seats, "image: "+image)
	f.etcdctr("up")
	s := f.spread(seats)
	j := f.startJournal()
	j.during("one machine off, looked at, and back", func() {
		f.machines[2].cutPower()
		for _, command := range []string{"ps", "health", "logs --tail 1", "doctor", "verify", "up"} {
			cmd := f.inside(etcdctrBinary(t), strings.Fields(command)...)
			cmd.Dir = f.home
			out, _ := cmd.CombinedOutput() // some fail, and some leave it out with a word
			if !strings.Contains(string(out), "etcd3") {
				t.Errorf("etcdctr %s says nothing of etcd3:\n%s", command, out)
			}
		}
		f.machines[2].powerOn()
		f.wantHealthyUnaided(s)
	})
	f.etcdctr("up")
	for _, off := range [][]int{{1, 2}, {0, 1, 2}} {
		j.during(fmt.Sprintf("%d machines off and back", len(off)), func() {
			for _, i := range off {
				f.machines[i].cutPower()
			}
			if _, err := f.try("up"); err == nil {
				t.Error("up succeeds without a quorum")
			}
			for _, i := range off {
				f.machines[i].powerOn()
			}
			f.wantHealthyUnaided(s)
		})
	}
	f.etcdctr("up")
	j.judge()
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

func TestFleetMovesToOtherMachines(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 5, image)
	to := func(machines ...int) func() {
		return func() {
			f.describe(f.seats(machines...), "image: "+image)
			f.etcdctr("up", "--dry-run")
			f.etcdctr("up", "--volumes", "--yes")
			f.spread(f.seats(machines...)).wantOneCluster()
		}
	}
	to(1, 2, 3)()
	j := f.startJournal()
	j.during("etcd2: machine 2 → 4", to(1, 4, 3))
	j.during("etcd1: machine 1 → 5", to(5, 4, 3))
	j.during("etcd3: machine 3 → 1", to(5, 4, 1))
	j.during("etcd1 lost with its machine 5, → 2", func() {
		f.machines[4].cutPower()
		f.describe(f.seats(2, 4, 1), "image: "+image)
		f.etcdctr("up")
		f.spread(f.seats(2, 4, 1)).wantOneCluster()
	})
	j.judge()
	f.etcdctr("health", "--deep")
	if left := f.etcdctr("ps"); strings.Contains(left, "@") {
		t.Errorf("what was left on a machine that is away is shown still:\n%s", left)
	}
	f.machines[4].powerOn()
	f.wantSeen("etcd1@" + f.machines[4].address)
	f.etcdctr("up", "--volumes", "--yes")
	f.etcdctr("health")
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// wantSeen waits until a server is seen that was left on a machine which did not answer: a
// busy one may take longer for that than it is given.
func (f *fleetTest) wantSeen(server string) {
	f.t.Helper()
	eventually(f.t, server+" is seen", func() error {
		out, err := f.try("ps")
		if err == nil && !strings.Contains(out, server) {
			err = fmt.Errorf("there are\n%s", out)
		}
		return err
	})
}

// Somebody else goes on with a cluster from another computer, where the certificates are
// elsewhere: no member starts anew for that, and whoever has begun it goes on, too.
func TestFleetIsTakenOverFromAnotherFolder(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 1, image)
	f.describe(f.seats(1), "image: "+image)
	f.etcdctr("up")
	made := f.containers()
	first, second := f.home, t.TempDir()
	run(t, first, "cp", "-a", "etcdctr.yaml", "machines", second)
	run(t, first, "cp", "-a", "certs", filepath.Join(second, "given"))
	f.home = second
	f.etcdctr("health", "--certs-dir", "given")
	f.etcdctr("up", "--name", f.name, "--certs-dir", "given")
	f.etcdctr("health")
	if now := f.containers(); now != made {
		t.Errorf("with the same certificates from another folder the members are\n%s and were\n%s", now, made)
	}
	f.home = first
	if err := os.RemoveAll(second); err != nil {
		t.Fatal(err)
	}
	f.etcdctr("health")
	f.etcdctr("up", "--name", f.name)
	if now := f.containers(); now != made {
		t.Errorf("from their own folder the members are\n%s and were\n%s", now, made)
	}
	f.etcdctr("down", "--volumes", "--yes", "--name", f.name)
	f.wantNothingLeft()
}
