//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A cluster on machines of their own changes by the words that etcdctr says, in
// their order: somebody takes the archives there, and runs what is said.

func TestMembersOfMachinesComeAndGoByHand(t *testing.T) {
	n := newLAN(t, ipv4)
	var machines []*machine
	for i := range 4 {
		machines = append(machines, n.addMachine(i+1))
	}
	image := etcdImage(t, cluster.NewestMinor)
	archive := filepath.Join(t.TempDir(), "image.tar")
	run(t, "", "docker", "save", "--output", archive, image)
	for _, m := range machines {
		m.load(archive)
	}
	s := &spread{t: t, name: uniqueName(namePrefix), dir: t.TempDir(), machines: machines[:3]}
	s.describe(image)
	s.byHand(machines, n.inside(etcdctrBinary(t), "up"))
	if out, err := machines[0].etcdctl(s.name, "put", "key", "value"); err != nil {
		t.Fatal(out, err)
	}

	s.machines = machines
	s.describe(image)
	s.byHand(machines, n.inside(etcdctrBinary(t), "up"))
	s.wantOneCluster()
	s.add("snapshot-count: 5000\n")
	if did := s.byHand(machines, n.inside(etcdctrBinary(t), "up")); did != 2*len(machines) {
		t.Errorf("to roll %d members, %d things were done", len(machines), did)
	}
	s.byHand(machines, n.inside(etcdctrBinary(t), "member", "replace", "etcd2"))
	s.wantOneCluster()

	s.machines = machines[:3]
	s.describe(image)
	s.add("snapshot-count: 5000\n")
	s.byHand(machines, n.inside(etcdctrBinary(t), "up"))
	s.wantOneCluster()
	if did := s.byHand(machines, n.inside(etcdctrBinary(t), "up")); did != 0 {
		t.Errorf("%d things were done to a cluster that is as wanted", did)
	}
	succeed(t, n.inside(etcdctrBinary(t), "health", "--deep"), s.dir)
	if got, err := machines[1].etcdctl(s.name, "get", "key", "--print-value-only"); err != nil || got != "value\n" {
		t.Errorf("the key holds %q: %v", got, err)
	}
}

// byHand runs a command and does what it says on the machines; it gives how many
// things that were.
func (s *spread) byHand(machines []*machine, cmd *exec.Cmd) (did int) {
	s.t.Helper()
	cmd.Dir = s.dir
	cmd.Args = append(cmd.Args, "--progress", "json")
	said, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	text := ""
	for lines := bufio.NewScanner(said); lines.Scan(); {
		text += lines.Text() + "\n"
		var is struct {
			Item, Action, Detail string
			Done                 bool
		}
		if json.Unmarshal(lines.Bytes(), &is) != nil || is.Action != "run on its machine" || is.Done {
			continue
		}
		for _, m := range machines {
			if m.member == is.Item {
				did++
				s.obey(m, is.Detail)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		s.t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	return did
}

// obey does one thing on a machine, as it was said: the archive is at hand in the
// folder in which the command is run.
func (s *spread) obey(m *machine, said string) {
	s.t.Helper()
	here, there, ok := strings.Cut(said, ", and there: ")
	if !ok {
		_, there, ok = strings.Cut(said, "on "+m.address+": ")
	}
	if !ok {
		s.t.Fatalf("%s is told %q", m.member, said)
	}
	if words := strings.Fields(here); words[0] == "take" {
		run(s.t, s.dir, "cp", words[1], m.disk)
	}
	there = strings.ReplaceAll(there, "docker compose", "docker-compose")
	succeed(s.t, m.command("sh", "-c", there), m.disk)
}
