//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// adoptedUnit is as distributions write it.
const adoptedUnit = `[Unit]
Description=etcd
[Service]
Type=notify
Environment=ETCD_NAME=theirs
ExecStart=/usr/local/bin/etcd --data-dir /var/lib/etcd
Restart=always
[Install]
WantedBy=multi-user.target
`

// TestAdoptOfASystemdUnit adopts, on a machine with systemd, what a unit runs, while a
// client writes. The unit does not start any more, whatever its Restart says.
func TestAdoptOfASystemdUnit(t *testing.T) {
	name, dir := uniqueName(namePrefix), t.TempDir()
	image := systemdGround(t, name)
	m := newSystemdMachine(t, image, name, name, 1)
	m.unit = "etcd"
	writeFile(t, filepath.Join(dir, "etcd.service"), adoptedUnit)
	run(t, dir, "docker", "cp", "etcd.service", m.container+":/etc/systemd/system/etcd.service")
	for _, program := range []string{etcdBinary(t, cluster.NewestMinor, "etcd"), etcdBinary(t, cluster.NewestMinor, "etcdctl"), etcdctrBinary(t)} {
		run(t, dir, "docker", "cp", program, m.container+":/usr/local/bin/")
	}
	m.run("systemctl", "enable", "--now", "etcd")
	m.run("sh", "-ec", "for i in 1 2 3 4 5; do etcdctl put kept/$i $i; done; etcdctl put kept/1 again; etcdctl del kept/2; etcdctl lease grant 100000")
	before := m.holds("etcdctl")
	writer := exec.CommandContext(t.Context(), "docker", "exec", m.container, "sh", "-c", "while etcdctl put written x; do :; done")
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}

	m.run("sh", "-ec", "mkdir -p /srv/adopted && cd /srv/adopted && etcdctr adopt --yes --name adopted /etc/systemd/system/etcd.service")
	_ = writer.Wait() // the port that it knew is gone
	if diff := cmp.Diff(before, m.holds("cd /srv/adopted && etcdctr etcdctl")); diff != "" {
		t.Errorf("it holds something else (-before +now):\n%s", diff)
	}
	m.eventually("UnitFileState", "disabled")
	if state, err := m.property(m.unit, "ActiveState"); err != nil || state == "active" || state == "activating" {
		t.Errorf("the unit is %s, %v", state, err)
	}
	m.run("test", "-e", "/var/lib/etcd/member/wal")
	m.run("sh", "-ec", "cd /srv/adopted && etcdctr down")
}

// systemdHeld is what etcdctl prints of keys and of leases.
type systemdHeld struct {
	Kvs    []map[string]any
	Leases []map[string]any
}

// holds gives the keys, with their revisions, and the leases.
func (m *systemdMachine) holds(etcdctl string) systemdHeld {
	m.t.Helper()
	var held systemdHeld
	for _, what := range []string{"get --prefix kept/", "lease list"} {
		out := m.run("sh", "-ec", etcdctl+" "+what+" --write-out json")
		if err := json.Unmarshal([]byte(out), &held); err != nil {
			m.t.Fatalf("%v: %s", err, out)
		}
	}
	return held
}
