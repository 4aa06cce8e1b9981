//go:build e2e && linux

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Engines on other machines. Such a machine is a network namespace at the end
// of a cable with a process namespace and folders of its own: nothing that a
// test keeps in its folder can be mounted there.

// engineElsewhere is a Docker Engine on another machine, which answers over TLS
// and over ssh.
type engineElsewhere struct {
	*outside
	t         *testing.T
	dir       string // of its configuration
	authority crafter
}

const (
	engineTLSPort = "2376"
	sshPort       = "2222"
)

// remoteScript is what the machine runs, with its configuration as $0, this
// machine's folder for temporary files as $1 and its own address as $2.
const remoteScript = `
mount -t tmpfs tmpfs /run
mkdir /run/engine /run/sshd
mount --bind "$0" /run/engine
mount -t tmpfs tmpfs "$1"
/usr/sbin/sshd -D -E /run/engine/sshd.log -f /run/engine/sshd_config &
exec dockerd --config-file /run/engine/daemon.json --data-root /run/data --exec-root /run/docker --pidfile /run/docker.pid \
	--host unix:///run/docker.sock --host "tcp://$2:` + engineTLSPort + `" --tlsverify \
	--tlscacert /run/engine/server/ca.pem --tlscert /run/engine/server/cert.pem --tlskey /run/engine/server/key.pem
`

const sshdConfig = `Port ` + sshPort + `
HostKey /run/engine/host_key
AuthorizedKeysFile /run/engine/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
`

// newEngineElsewhere starts a machine with an engine that has an image.
func newEngineElsewhere(t *testing.T, image, config string) *engineElsewhere {
	t.Helper()
	e := &engineElsewhere{outside: newOutside(t), t: t, dir: t.TempDir(), authority: craftAuthority(t)}
	writeFile(t, filepath.Join(e.dir, "daemon.json"), config)
	e.install("server", e.authority, x509.ExtKeyUsageServerAuth, e.authority)
	e.install("client", e.authority, x509.ExtKeyUsageClientAuth, e.authority)
	writeFile(t, filepath.Join(e.dir, "sshd_config"), sshdConfig)
	for _, key := range []string{"host_key", "user_key"} {
		run(t, e.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	}
	background(t, e.dir, exec.Command("nsenter", "--net="+string(e.place), "unshare", "--mount", "--pid", "--fork",
		"--mount-proc", "--kill-child", "sh", "-ec", remoteScript, e.dir, os.TempDir(), e.ip))
	archive := filepath.Join(t.TempDir(), "image.tar")
	run(t, "", "docker", "save", "--output", archive, image)
	eventually(t, "the engine on the other machine", func() error { return e.docker("version").Run() })
	succeed(t, e.docker("load", "--quiet", "--input", archive), "")
	return e
}

// install makes a folder with a certificate of an issuer's and the authority
// that its owner believes, under the names that Docker looks for.
func (e *engineElsewhere) install(name string, issuer crafter, usage x509.ExtKeyUsage, believed crafter) string {
	e.t.Helper()
	dir := filepath.Join(e.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		e.t.Fatal(err)
	}
	pair := issuer.craft(e.t, -time.Hour, time.Hour, []x509.ExtKeyUsage{usage}, e.ip)
	writeFile(e.t, filepath.Join(dir, "ca.pem"), encodePEM("CERTIFICATE", believed.cert.Raw))
	writeFile(e.t, filepath.Join(dir, "cert.pem"), encodePEM("CERTIFICATE", pair.Certificate[0]))
	writeFile(e.t, filepath.Join(dir, "key.pem"), encodeKey(e.t, pair))
	return dir
}

func encodeKey(t *testing.T, pair *tls.Certificate) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PRIVATE KEY", der)
}

// docker is a command that asks the engine, whatever the environment says.
func (e *engineElsewhere) docker(args ...string) *exec.Cmd {
	client := filepath.Join(e.dir, "client")
	return exec.Command("docker", append([]string{
		"--host", e.url(), "--tlsverify", "--tlscacert", client + "/ca.pem", "--tlscert", client + "/cert.pem", "--tlskey", client + "/key.pem",
	}, args...)...)
}

func (e *engineElsewhere) url() string { return "tcp://" + e.ip + ":" + engineTLSPort }

// The ways to the engine. Each is set up in the environment of a test, as a
// user would have it.

func (e *engineElsewhere) byTLS(t *testing.T) {
	t.Helper()
	t.Setenv("DOCKER_HOST", e.url())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", filepath.Join(e.dir, "client"))
}

// byTLSFromHome is for those who keep their certificates where Docker looks
// for them by itself.
func (e *engineElsewhere) byTLSFromHome(t *testing.T) {
	t.Helper()
	t.Setenv("DOCKER_HOST", e.url())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CONFIG", filepath.Join(e.dir, "client"))
}

func (e *engineElsewhere) byCurrentContext(t *testing.T) {
	t.Helper()
	e.makeContext(t, fmt.Sprintf("host=%s,ca=%[2]s/ca.pem,cert=%[2]s/cert.pem,key=%[2]s/key.pem", e.url(), filepath.Join(e.dir, "client")))
	run(t, "", "docker", "context", "use", "elsewhere")
}

func (e *engineElsewhere) byContextOverSSH(t *testing.T) {
	t.Helper()
	e.makeContext(t, "host="+e.sshURL())
	e.configureSSH(t, "user_key")
	t.Setenv("DOCKER_CONTEXT", "elsewhere")
}

func (e *engineElsewhere) makeContext(t *testing.T, endpoint string) {
	t.Helper()
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	run(t, "", "docker", "context", "create", "elsewhere", "--docker", endpoint)
}

func (e *engineElsewhere) bySSH(t *testing.T) {
	t.Helper()
	e.configureSSH(t, "user_key")
	t.Setenv("DOCKER_HOST", e.sshURL())
}

func (e *engineElsewhere) sshURL() string { return "ssh://root@" + e.ip + ":" + sshPort }

// configureSSH stands for a user's ~/.ssh, which ssh finds by the user and not
// by the environment.
func (e *engineElsewhere) configureSSH(t *testing.T, key string) {
	t.Helper()
	hostKey, err := os.ReadFile(filepath.Join(e.dir, "host_key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "known_hosts"), fmt.Sprintf("[%s]:%s %s", e.ip, sshPort, hostKey))
	writeFile(t, filepath.Join(dir, "config"), fmt.Sprintf("IdentitiesOnly yes\nBatchMode yes\nIdentityFile %s\nUserKnownHostsFile %s/known_hosts\n",
		filepath.Join(e.dir, key), dir))
	script := fmt.Sprintf("#!/bin/sh\nexec %s -F %s/config \"$@\"\n", program, dir)
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestAStackLivesItsLifeOnAnEngineElsewhere(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	e := newEngineElsewhere(t, image, "{}")
	for way, use := range map[string]func(*testing.T){
		"TLS":                     e.byTLS,
		"TLS, files in ~/.docker": e.byTLSFromHome,
		"current context":         e.byCurrentContext,
		"ssh":                     e.bySSH,
		"context over ssh":        e.byContextOverSSH,
	} {
		t.Run(way, func(t *testing.T) {
			s := newStack(t)
			use(t)
			s.etcdctr("up")
			s.wantNoLocalMounts()
			s.liveALife()
		})
	}
}

// liveALife does what somebody does with a stack from its start to its end.
func (s *stack) liveALife() {
	s.t.Helper()
	s.etcdctr("up")
	if report, code := s.health(); code != 0 {
		s.t.Errorf("health: %q", report.Failures)
	}
	if out := s.etcdctr("etcdctl", "put", "key", "value"); out != "OK\n" {
		s.t.Errorf("put: %q", out)
	}
	c := s.connect()
	c.roundTrip(s.t)
	c.interrupt(s.t)
	if out, code := s.verdict("verify"); code != 0 {
		s.t.Errorf("verify:\n%s", out)
	}
	s.wantNoRelay()
	ids := s.containers()
	s.etcdctr("up")
	s.wantUntouched(ids, "a second up")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// wantNoLocalMounts wants the containers to take nothing from this machine.
func (s *stack) wantNoLocalMounts() {
	s.t.Helper()
	for member := range s.containers() {
		out := run(s.t, "", "docker", "inspect", "--format", "{{range .Mounts}}{{.Type}} {{.Source}}\n{{end}}", s.name+"-"+member+"-1")
		if strings.Contains(out, "bind") {
			s.t.Errorf("%s mounts:\n%s", member, out)
		}
	}
}

func TestAnEngineElsewhereThatCannotBeUsedIsTold(t *testing.T) {
	s := newStack(t)
	e := newEngineElsewhere(t, s.ref, "{}")
	stranger := craftAuthority(t)
	run(t, e.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "other_key")
	nobody := "tcp://" + e.ip + ":1"
	for what, test := range map[string]struct {
		env  map[string]string
		key  string // for ssh
		want []string
	}{
		"nobody listens": {
			env:  map[string]string{"DOCKER_HOST": nobody},
			want: []string{"no Docker Engine answers", nobody},
		},
		"no TLS": {
			env:  map[string]string{"DOCKER_HOST": e.url()},
			want: []string{e.url() + " takes nothing but TLS", "hint: set DOCKER_TLS_VERIFY=1"},
		},
		"no certificates": {
			env:  map[string]string{"DOCKER_HOST": e.url(), "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/nowhere"},
			want: []string{"/nowhere/ca.pem: no such file", "DOCKER_CERT_PATH a folder with"},
		},
		"a certificate of another authority": {
			env: map[string]string{
				"DOCKER_HOST": e.url(), "DOCKER_TLS_VERIFY": "1",
				"DOCKER_CERT_PATH": e.install("foreign", stranger, x509.ExtKeyUsageClientAuth, e.authority),
			},
			want: []string{e.url() + " does not accept the certificate that it is shown: tls: ", "hint: cert.pem and key.pem in DOCKER_CERT_PATH"},
		},
		"an engine of another authority": {
			env: map[string]string{
				"DOCKER_HOST": e.url(), "DOCKER_TLS_VERIFY": "1",
				"DOCKER_CERT_PATH": e.install("mistaken", e.authority, x509.ExtKeyUsageClientAuth, stranger),
			},
			want: []string{e.url() + " shows a certificate that is not trusted here: x509: ", "hint: ca.pem in DOCKER_CERT_PATH"},
		},
		"no ssh": {
			env:  map[string]string{"DOCKER_HOST": "ssh://root@" + e.ip + ":1"},
			want: []string{"no Docker Engine answers at ssh://root@" + e.ip + ":1: ssh: connect to host", "Connection refused", "hint:"},
		},
		"a key that ssh refuses": {
			env: map[string]string{"DOCKER_HOST": e.sshURL()}, key: "other_key",
			want: []string{"no Docker Engine answers at " + e.sshURL(), "Permission denied (publickey)", "hint:"},
		},
		"no such context": {
			env:  map[string]string{"DOCKER_CONTEXT": "nowhere"},
			want: []string{`cannot use the Docker context "nowhere": there is none of this name`, "hint: `docker context ls`"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			if test.key != "" {
				e.configureSSH(t, test.key)
			}
			_, err := s.tryEtcdctr("up", "--dry-run") // which must not plan for processes
			wantExitCode(t, err, 1)
			wantError(t, err, test.want...)
		})
	}
}
