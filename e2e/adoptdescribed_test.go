//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestWhatIsDescribedIsLookedAfterBeforeItIsAdopted has every command that looks
// work on members as something else has started them, and none of those that take
// away touch them.
func TestWhatIsDescribedIsLookedAfterBeforeItIsAdopted(t *testing.T) {
	stable := "shop/kv:stable" // which says of no release
	run(t, "", "docker", "tag", etcdImage(t, 6), stable)
	t.Cleanup(func() { _, _ = output(exec.Command("docker", "rmi", stable), "") })
	s := newTheirs(t, 6, stable, plainFile())
	old := []string{"n0", "n1", "n2"}
	s.fill(s.config(s.old(old...)...))
	var plan struct{ File string }
	decode(t, s.adopt("--dry-run", "--image", s.ref, "--etcd", "3.6", "--format", "json", s.name), &plan)
	if _, err := output(exec.CommandContext(t.Context(), etcdctrBinary(t), "adopt", "--dry-run", "--etcd", "3.5", s.name), s.dir); err == nil || !strings.Contains(err.Error(), "answers that it is an etcd "+cluster.KnownPatches[6].String()) {
		t.Errorf("another release than they run is not refused: %v", err)
	}
	decode(t, s.adopt("--dry-run", "--format", "json", s.name), &plan)
	if !strings.Contains(plan.File, "etcd: "+cluster.KnownPatches[6].String()+"\n") {
		t.Errorf("they are described as\n%s", plan.File)
	}
	plan.File = strings.ReplaceAll(plan.File, "members: 3", "members: [infra0, infra1, infra2]")
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), plan.File)

	for _, c := range []struct{ command, want string }{
		{"health", "infra2"},
		{"ps", "infra2"},
		{"verify", "infra2   peer port, plain text    let in    let in  ok"},
		{"etcdctl member list", "infra2, http://n2:2380"},
		{"etcdctl get kept/1", "kept/1"},
		{"logs --tail 1 infra1", "infra1"},
	} {
		out := s.program(strings.Fields(c.command)...)
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(c.want), " ")) {
			t.Errorf("%s has no %q:\n%s", c.command, c.want, out)
		}
	}
	s.program("doctor")
	s.program("backup", "--output", t.TempDir(), "--progress", "quiet")
	s.connect("--name", s.name+"-etcd").interrupt(t)

	run(t, s.dir, "docker", "kill", s.old("n2")[0])
	if out, err := output(exec.CommandContext(t.Context(), etcdctrBinary(t), "doctor"), s.dir); err == nil || !strings.Contains(out+err.Error(), "infra2") {
		t.Errorf("doctor says nothing of the member that was killed: %s, %v", out, err)
	}
	for _, args := range [][]string{{"down"}, {"down", "--volumes", "--yes"}} {
		if _, err := output(exec.CommandContext(t.Context(), etcdctrBinary(t), args...), s.dir); err == nil || !strings.Contains(err.Error(), "was started by something else") {
			t.Errorf("%v is not refused: %v", args, err)
		}
	}
	if out := run(t, s.dir, "docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project="+s.name); len(strings.Fields(out)) != 2 {
		t.Errorf("the members that ran are %q", out)
	}
}

// TestAdoptOfSomeOfAClustersMembersIsRefused: the others may be on other machines.
func TestAdoptOfSomeOfAClustersMembersIsRefused(t *testing.T) {
	s := newTheirs(t, cluster.NewestMinor, etcdImage(t, cluster.NewestMinor), plainFile())
	all := s.old("n0", "n1", "n2")
	s.fill(s.config(all...))
	_, err := output(exec.CommandContext(t.Context(), etcdctrBinary(t), "adopt", "--yes", "--image", s.ref, all[0], all[1]), s.dir)
	if err == nil || !strings.Contains(err.Error(), "infra2 at http://n2:2380 of the cluster is not here") {
		t.Errorf("it is not refused: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "etcdctr.yaml")); err == nil {
		t.Error("a cluster file was written")
	}
	s.adopt(append([]string{"--yes", "--name", s.name + "-etcd", "--image", s.ref}, all...)...)
	var report struct{ Members []struct{ Name string } }
	decode(t, s.program("health", "--format", "json"), &report)
	if len(report.Members) != 3 {
		t.Errorf("the members are %v", report.Members)
	}
}

// TestWhatIsNotThereIsNotStartedInItsPlace: an empty cluster is not what a
// description means that adopts one.
func TestWhatIsNotThereIsNotStartedInItsPlace(t *testing.T) {
	s := newStack(t)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "name: "+s.name+"\nruntime: docker\ntls: none\nimage: "+s.ref+"\nadopts: "+s.name+"-gone\n")
	for _, command := range []string{"up", "health", "doctor"} {
		_, err := output(exec.CommandContext(t.Context(), etcdctrBinary(t), command), s.dir)
		if err == nil || !strings.Contains(err.Error(), "adopts: "+s.name+"-gone: there is no member of etcd") {
			t.Errorf("%s: %v", command, err)
		}
	}
}
