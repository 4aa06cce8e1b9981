//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/pages"
)

// systemdPage is where the commands stand that install units by hand.
const systemdPage = "systemd.md"

// pageFolder is the folder of a machine in which they are typed.
const pageFolder = "/root/page"

// typeSystemdPage types, on the machine, what the page shows from a heading on to the
// next, and wants what it says is printed.
func (m *systemdMachine) typeSystemdPage(heading string) {
	m.t.Helper()
	_, section, _ := strings.Cut(readFile(m.t, filepath.Join("../docs", systemdPage)), "## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	p, err := pages.Parse(systemdPage, section)
	if err != nil {
		m.t.Fatal(err)
	}
	if len(p.Blocks) == 0 {
		m.t.Fatalf("%s has nothing to type below %q", systemdPage, heading)
	}
	for _, b := range p.Blocks {
		exported := ""
		for _, call := range b.Calls() {
			printed := m.run("sh", "-ec", "cd "+pageFolder+"\n"+exported+call.Command)
			if call.Shown && !pages.Prints(call.Prints, printed) {
				m.t.Errorf("%s prints %q, not %q as the page shows", call.Command, printed, call.Prints)
			}
			if strings.HasPrefix(call.Command, "export ") {
				exported += call.Command
			}
		}
	}
}

// boot powers the machine off, as its systemd does that in order, and on again.
func (m *systemdMachine) boot() {
	m.t.Helper()
	run(m.t, "", "docker", "kill", "--signal", "SIGRTMIN+4", m.container) // poweroff.target, see systemd(1)
	run(m.t, "", "docker", "wait", m.container)
	run(m.t, "", "docker", "start", m.container)
	eventually(m.t, "systemd on "+m.container, func() error { return m.wantProperty("basic.target", "ActiveState", "active") })
}

// systemdBackup is what the test asks about a backup in a list.
type systemdBackup struct {
	Path     string
	Metadata struct{ Revision int64 }
}

// backups lists those of a folder.
func (m *systemdMachine) backups(folder string) (all []systemdBackup, err error) {
	out, err := m.exec("etcdctr", "backup", "list", "--format", "json", folder)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var b systemdBackup
		if err := d.Decode(&b); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// eventuallyBackedUp waits for so many backups in a folder, each of which can be
// restored, and gives the newest revision of them.
func (m *systemdMachine) eventuallyBackedUp(folder string, n int) (newest int64) {
	m.t.Helper()
	var all []systemdBackup
	eventually(m.t, fmt.Sprintf("%d backups in %s", n, folder), func() (err error) {
		all, err = m.backups(folder)
		if err == nil && len(all) < n {
			err = fmt.Errorf("there are %v", all)
		}
		return err
	})
	for _, b := range all {
		m.run("etcdctr", "backup", "verify", b.Path)
		newest = max(newest, b.Metadata.Revision)
	}
	return newest
}

// TestSystemdTakesTheBackups has the units of a machine, installed as the page says,
// run a cluster and take its backups: at their times and in between, also after the
// machine was off.
func TestSystemdTakesTheBackups(t *testing.T) {
	name, dir := uniqueName(namePrefix), t.TempDir()
	image := systemdGround(t, name)
	m := newSystemdMachine(t, image, name, name, 1)
	m.unit = cluster.UnitName(cluster.DefaultName, cluster.BackupName)
	run(t, "", "docker", "cp", etcdctrBinary(t), m.container+":/usr/local/bin/etcdctr")
	m.run("sh", "-ec", "ln -s etcdctr /usr/local/bin/etcdctl; mkdir "+pageFolder)
	m.run("systemd-sysusers", "--inline", "u etcd")
	m.run("install", "-d", "-m", "700", "-o", "etcd", "/home/etcd1")
	m.describeBackups(dir, "/srv/backups")
	m.typeSystemdPage("All on one machine")
	m.users()
	m.typeSystemdPage("Backups")
	m.eventually("SubState", "running")
	eventually(t, "nobody but its user to be given the data", func() error {
		said := m.run("journalctl", "--unit", m.unit, "--output", "cat")
		if !strings.Contains(said, "etcd's users do not permit it") {
			return errors.New(said)
		}
		return nil
	})
	m.typeSystemdPage("Where etcd goes by its users")
	first := m.eventuallyBackedUp("/srv/backups", 1)
	m.put("between")
	eventually(t, "what happened after the backup", func() error {
		return m.wantFiles("/srv/backups/*.events.zst")
	})

	m.boot()
	for _, unit := range []string{"etcd-etcd1", "etcd-etcd2", "etcd-etcd3"} {
		eventually(t, unit, func() error { return m.wantProperty(unit, "SubState", "running") })
	}
	m.put("after")
	if again := m.eventuallyBackedUp("/srv/backups", 2); again <= first {
		t.Errorf("the backups hold revision %d before and %d after the machine was off", first, again)
	}
	if err := m.wantProperty(m.unit, "NRestarts", "0"); err != nil { // it waits for members that start beside it
		t.Error(err)
	}
	m.wantPrivate("/srv/backups")

	m.stopInOrder("/srv/backups")

	// A destination that is no whole path is in the unit's own folder. One among homes, or
	// in what each unit has of its own otherwise, is seen nevertheless.
	for destination, folder := range map[string]string{
		"kept": "/var/lib/etcd/" + m.unit + "/kept", "/home/our backups:1": "/home/our backups:1", "/tmp/backups": "/tmp/backups",
	} {
		if destination == folder {
			m.run("install", "-d", "-m", "700", "-o", "etcd", folder)
		}
		m.describeBackups(dir, destination)
		m.typeSystemdPage("Backups")
		m.eventuallyBackedUp(folder, 1)
		m.stopInOrder(folder)
	}
}

// users has etcd go by them, of whom it knows the administrator.
func (m *systemdMachine) users() {
	m.t.Helper()
	m.put("early")
	for _, command := range []string{"user add --no-password root", "role add root", "user grant-role root root", "auth enable"} {
		m.run("sh", "-ec", "cd "+pageFolder+"/certs/clients/root; etcdctl --endpoints https://127.0.0.1:2379 --cacert ca.crt --cert tls.crt --key tls.key "+command)
	}
}

// describeBackups writes the cluster file.
func (m *systemdMachine) describeBackups(dir, destination string) {
	m.t.Helper()
	writeFile(m.t, filepath.Join(dir, "etcdctr.yaml"), "members: [{name: etcd1, data: /home/etcd1}, etcd2, etcd3]\n"+
		"backup: {destination: '"+destination+"', every: 1m, continuous: true}\n")
	run(m.t, dir, "docker", "cp", "etcdctr.yaml", m.container+":"+pageFolder+"/")
}

// put writes a key, once the members serve.
func (m *systemdMachine) put(key string) {
	m.t.Helper()
	eventually(m.t, "a write of "+key, func() error {
		_, err := m.exec("sh", "-ec", "cd "+pageFolder+"/certs/clients/root; etcdctl --endpoints https://127.0.0.1:2379 "+
			"--cacert ca.crt --cert tls.crt --key tls.key put "+key+" there")
		return err
	})
}

func (m *systemdMachine) wantFiles(pattern string) error {
	out, err := m.exec("sh", "-c", "ls -d "+pattern)
	if err == nil && strings.TrimSpace(out) == "" {
		err = errors.New("there is none")
	}
	return err
}

// wantPrivate wants all files of a folder to be of the user etcd, and for it alone.
func (m *systemdMachine) wantPrivate(folder string) {
	m.t.Helper()
	if others := m.run("find", folder, "-type", "f", "!", "(", "-user", "etcd", "-perm", "600", ")"); others != "" {
		m.t.Errorf("not private to etcd: %s", m.run("sh", "-c", "ls -l "+folder))
	}
}

// stopInOrder stops the unit, which ends well and leaves no half of a file in the folder of its backups.
func (m *systemdMachine) stopInOrder(folder string) {
	m.t.Helper()
	m.run("systemctl", "stop", m.unit)
	for property, want := range map[string]string{"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"} {
		if err := m.wantProperty(m.unit, property, want); err != nil {
			m.t.Error(err)
		}
	}
	if left := m.run("find", folder, "-name", ".*", "-not", "-name", ".gitignore", "-type", "f"); left != "" {
		m.t.Errorf("it leaves %s", left)
	}
}
