//go:build e2e && linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// Three machines with a systemd each: containers whose first process it is.

// systemdMachine is one of them.
type systemdMachine struct {
	t         *testing.T
	container string
	member    string
	unit      string
}

const systemdAddress = "10.78.0.1%d"

// newSystemdMachine starts a machine. What it may do is less than systemd may
// do on one of its own, and enough for the units' hardening.
func newSystemdMachine(t *testing.T, image, network, name string, i int) *systemdMachine {
	t.Helper()
	m := &systemdMachine{t: t, member: fmt.Sprintf("etcd%d", i), container: fmt.Sprintf("%s-%d", network, i)}
	m.unit = name + "-" + m.member
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(output(exec.Command("docker", "exec", m.container, "journalctl", "--no-pager", "--unit", m.unit, "--lines", "30"), ""))
		}
		if _, err := output(exec.Command("docker", "rm", "--force", "--volumes", m.container), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "run", "--detach", "--name", m.container, "--network", network, "--ip", fmt.Sprintf(systemdAddress, i),
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/tmp",
		"--env", "container=docker", image)
	eventually(t, "systemd on "+m.container, func() error { return m.wantProperty("basic.target", "ActiveState", "active") })
	return m
}

func (m *systemdMachine) exec(args ...string) (string, error) {
	return output(exec.Command("docker", append([]string{"exec", m.container}, args...)...), "")
}

func (m *systemdMachine) run(args ...string) string {
	m.t.Helper()
	out, err := m.exec(args...)
	if err != nil {
		m.t.Fatalf("%s: %q: %v", m.container, args, err)
	}
	return out
}

func (m *systemdMachine) property(unit, name string) (string, error) {
	out, err := m.exec("systemctl", "show", "--value", "--property", name, unit)
	return strings.TrimSpace(out), err
}

func (m *systemdMachine) wantProperty(unit, name, want string) error {
	got, err := m.property(unit, name)
	if err == nil && got != want {
		err = fmt.Errorf("%s of %s is %q", name, unit, got)
	}
	return err
}

// eventually waits until the member's unit has a property.
func (m *systemdMachine) eventually(name, want string) {
	m.t.Helper()
	eventually(m.t, fmt.Sprintf("%s=%s of %s", name, want, m.unit), func() error { return m.wantProperty(m.unit, name, want) })
}

// install does what the README in the member's archive says for systemd.
func (m *systemdMachine) install(bundles, etcdctr string) {
	m.t.Helper()
	run(m.t, "", "docker", "cp", etcdctr, m.container+":/usr/local/bin/etcdctr")
	run(m.t, bundles, "docker", "cp", m.unit+".tar.gz", m.container+":/root/")
	m.run("tar", "-C", "/root", "-xzf", "/root/"+m.unit+".tar.gz")
	readme := m.run("cat", "/root/"+m.unit+"/README.md")
	_, section, found := strings.Cut(readme, "## With systemd")
	var commands []string
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			commands = append(commands, command)
		}
	}
	if !found || len(commands) == 0 {
		m.t.Fatalf("the README has no commands for systemd:\n%s", readme)
	}
	m.run("sh", "-ec", "cd /root/"+m.unit+"\n"+strings.Join(commands, ""))
}

// systemdGround gives an image of a machine with systemd, and makes the network of
// that name for machines of it.
func systemdGround(t *testing.T, name string) (image string) {
	t.Helper()
	etcdtest.HoldAlone(t)
	image = name + ":systemd"
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "image", "rm", image), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "import", "--change", `ENTRYPOINT ["/lib/systemd/systemd"]`, handedIn(t, envSystemd), image)
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "network", "rm", name), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "docker", "network", "create", "--subnet", "10.78.0.0/24", name)
	return image
}

func TestSystemdKeepsTheMembersOfThreeMachines(t *testing.T) {
	name, dir := uniqueName(namePrefix), t.TempDir()
	image := systemdGround(t, name)

	text := "name: " + name + "\nmembers:\n"
	for i := 1; i <= 3; i++ {
		text += fmt.Sprintf("  etcd%d: "+systemdAddress+"\n", i, i)
	}
	writeFile(t, filepath.Join(dir, "etcdctr.yaml"), text)
	run(t, dir, etcdctrBinary(t), "bundle")
	var machines []*systemdMachine
	for i := 1; i <= 3; i++ {
		machines = append(machines, newSystemdMachine(t, image, name, name, i))
	}

	// Alone a member is not ready, and systemd knows it.
	bundles := filepath.Join(dir, "bundles")
	first := machines[0]
	first.install(bundles, etcdctrBinary(t))
	first.eventually("SubState", "start")
	if err := first.wantProperty(first.unit, "ActiveState", "activating"); err != nil {
		t.Error(err)
	}
	for _, m := range machines[1:] {
		m.install(bundles, etcdctrBinary(t))
	}
	for _, m := range machines {
		m.eventually("SubState", "running")
	}
	etcdctl := func(args ...string) (string, error) {
		cmd := exec.Command(etcdBinary(t, cluster.NewestMinor, "etcdctl"), args...)
		cmd.Env = []string{
			"ETCDCTL_ENDPOINTS=https://" + fmt.Sprintf(systemdAddress, 1) + ":2379",
			"ETCDCTL_CACERT=certs/clients/root/ca.crt", "ETCDCTL_CERT=certs/clients/root/tls.crt", "ETCDCTL_KEY=certs/clients/root/tls.key",
		}
		return output(cmd, dir)
	}
	eventually(t, "three healthy members", func() error {
		out, err := etcdctl("endpoint", "health", "--cluster", "--write-out", "json")
		if err == nil && strings.Count(out, `"health":true`) != len(machines) {
			err = fmt.Errorf("got %s", out)
		}
		return err
	})
	for _, m := range machines {
		m.wantKeysOfItsOwn()
	}

	// Killed, it comes back; removed, it does not.
	killed := machines[1]
	pid, err := killed.property(killed.unit, "MainPID")
	if err != nil {
		t.Fatal(err)
	}
	killed.run("sh", "-c", "kill -9 "+pid)
	killed.eventually("NRestarts", "1")
	killed.eventually("SubState", "running")

	removed := machines[2]
	eventually(t, "the removal", func() error { // refused within seconds of a start
		list, err := etcdctl("member", "list")
		if err != nil {
			return err
		}
		for line := range strings.Lines(list) {
			if id, _, _ := strings.Cut(line, ","); strings.Contains(line, ", "+removed.member+",") {
				_, err = etcdctl("member", "remove", id)
			}
		}
		return err
	})
	removed.eventually("SubState", "dead")
	for property, want := range map[string]string{"ActiveState": "inactive", "Result": "success", "NRestarts": "0"} {
		if err := removed.wantProperty(removed.unit, property, want); err != nil {
			t.Error(err)
		}
	}

	stopped := machines[0]
	stopped.run("systemctl", "stop", stopped.unit)
	if err := stopped.wantProperty(stopped.unit, "Result", "success"); err != nil {
		t.Error(err)
	}

	// Having served, it is not started without its data, and says why.
	data := "/var/lib/etcd/" + stopped.unit + "/data"
	stopped.run("mv", data, data+".elsewhere")
	if _, err := stopped.exec("systemctl", "start", stopped.unit); err == nil {
		t.Errorf("%s is started without its data", stopped.member)
	}
	if said := stopped.run("journalctl", "--no-pager", "--unit", stopped.unit); !strings.Contains(said, "its data is gone") {
		t.Errorf("the journal does not tell what %s misses:\n%s", stopped.member, said)
	}
	stopped.run("mv", data+".elsewhere", data)
	stopped.run("systemctl", "start", "--no-block", stopped.unit)
	stopped.eventually("SubState", "running")
}

// wantKeysOfItsOwn wants the member's keys readable for its user and for nobody
// else, and nobody else's on the machine.
func (m *systemdMachine) wantKeysOfItsOwn() {
	m.t.Helper()
	key := "/etc/etcd/" + m.unit + "/server/tls.key"
	m.run("setpriv", "--reuid", "etcd", "--clear-groups", "cat", key)
	if _, err := m.exec("setpriv", "--reuid", "daemon", "--clear-groups", "cat", key); err == nil {
		m.t.Errorf("everybody on %s reads %s", m.member, key)
	}
	others := m.run("sh", "-c", "ls /root/"+m.unit+"/certs/members")
	if strings.TrimSpace(others) != m.member {
		m.t.Errorf("%s has the certificates of %s", m.member, others)
	}
}
