//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// A change is interrupted wherever it can be told apart: the program is killed as
// soon as it tells of something that no run before was killed at, and started
// again, until it comes to its end.

// progressLine is a line of --progress json.
type progressLine struct {
	Item, Action string
	Done         bool
	Text         string // of a note
}

// interrupted is a change that is carried out bit by bit.
type interrupted struct {
	t       *testing.T
	command func(args ...string) *exec.Cmd
	seen    map[progressLine]bool
	kills   int
	// notes are how the notes begin that are steps, too; all others count as one.
	notes []string
}

func (l *local) interrupted() *interrupted {
	etcdctr := func(args ...string) *exec.Cmd { return l.command(etcdctrBinary(l.t), args...) }
	return &interrupted{t: l.t, command: etcdctr, seen: map[progressLine]bool{}}
}

func (s *stack) interrupted() *interrupted {
	etcdctr := func(args ...string) *exec.Cmd {
		cmd := s.command(args[0], args[1:]...)
		cmd.Dir = s.dir
		return cmd
	}
	return &interrupted{t: s.t, command: etcdctr, seen: map[progressLine]bool{}}
}

// mostKills bounds a change that would never come to its end.
const mostKills = 200

// killedEverywhere carries out a change, killed at each event, and gives how
// often that was.
func (i *interrupted) killedEverywhere(args ...string) int {
	i.t.Helper()
	for i.once(syscall.SIGKILL, args...) {
		if i.kills++; i.kills == mostKills {
			i.t.Fatalf("%v has come to no end after it was killed %d times", args, i.kills)
		}
	}
	return i.kills
}

func (l *local) killedEverywhere(args ...string) int {
	l.t.Helper()
	return l.interrupted().killedEverywhere(args...)
}

// once runs the program until it tells of something new, and reports whether it
// was sent the signal; else it has come to its end, which has to be a good one.
func (i *interrupted) once(signal syscall.Signal, args ...string) bool {
	i.t.Helper()
	cmd := i.command(append(args, "--progress", "json")...)
	said, err := cmd.StderrPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	sent, text := false, ""
	for lines := bufio.NewScanner(said); lines.Scan(); {
		text += lines.Text() + "\n"
		var is progressLine
		if sent || json.Unmarshal(lines.Bytes(), &is) != nil {
			continue
		}
		if !slices.ContainsFunc(i.notes, func(step string) bool { return strings.HasPrefix(is.Text, step) }) {
			is.Text = ""
		}
		if i.seen[is] {
			continue
		}
		i.seen[is], sent = true, true
		if err := cmd.Process.Signal(signal); err != nil {
			i.t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil && !sent {
		i.t.Fatalf("after %d interruptions %v fails: %v\n%s", i.kills, args, err, text)
	}
	return sent
}

// onceMore has it interrupted again at a note that it was interrupted at before: where
// little time is between one thing and the next, it was both or neither.
func (i *interrupted) onceMore(note string) {
	maps.DeleteFunc(i.seen, func(is progressLine, _ bool) bool { return strings.HasPrefix(is.Text, note) })
}

// wantEnd wants a cluster of so many members, healthy, of one release, as wanted,
// with the key that was written before, and nothing of anybody else.
func (l *local) wantEnd(members, minor int, up ...string) {
	l.t.Helper()
	var report struct {
		Members []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(l.etcdctr("health", "--format", "json")), &report); err != nil {
		l.t.Fatal(err)
	}
	if len(report.Members) != members {
		l.t.Errorf("%d members are there, %d are wanted", len(report.Members), members)
	}
	for _, m := range report.Members {
		if "v"+m.Version != cluster.KnownPatches[minor].String() {
			l.t.Errorf("%s is of etcd %s", m.Name, m.Version)
		}
	}
	if steps := l.etcdctr(append(up, "--dry-run", "--format", "json")...); strings.TrimSpace(steps) != "[]" {
		l.t.Errorf("something is left to do: %s", steps)
	}
	if got := l.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		l.t.Errorf("the cluster holds %q", got)
	}
	if running := len(l.state().Members); running != members {
		l.t.Errorf("the supervisor has %d members, %d are wanted", running, members)
	}
}

// small is a cluster that is quick to change, with a value in it.
func small(t *testing.T, minor int) (l *local, up func(...string) []string) {
	t.Helper()
	l = newLocal(t)
	programs := filepath.Join(filepath.Dir(filepath.Dir(etcdBinary(t, minor, "etcd"))), "{minor}", "etcd")
	up = func(flags ...string) []string {
		return append([]string{"up", "--detach", "--runtime", "process", "--etcd-binary", programs}, flags...)
	}
	return l, up
}

func minorRelease(minor int) string { return fmt.Sprintf("3.%d", minor) }

func TestUpKilledAtEveryStepOfAFirstStartAndOfMembersThatComeAndGo(t *testing.T) {
	l, up := small(t, 5) // whose new members serve soonest
	of := func(members string) []string { return up("--etcd", minorRelease(5), "--members", members) }
	first := l.killedEverywhere(of("3")...)
	l.etcdctr("etcdctl", "put", "key", "value")
	l.wantEnd(3, 5, of("3")...)
	grown := l.killedEverywhere(of("5")...)
	l.wantEnd(5, 5, of("5")...)
	shrunk := l.killedEverywhere(of("3")...)
	l.wantEnd(3, 5, of("3")...)
	t.Logf("killed %d times in a first start, %d from 3 to 5 members, %d back", first, grown, shrunk)
	wantKills(t, first, grown, shrunk)
}

// wantKills wants each change to have been interrupted.
func wantKills(t *testing.T, counts ...int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
		if n < 3 {
			t.Errorf("a change was interrupted %d times only", n)
		}
	}
	t.Attr("kills", fmt.Sprint(total))
}

func TestUpKilledAtEveryStepOfARollAndOfAReplacement(t *testing.T) {
	l, up := small(t, 5)
	plain := up("--etcd", minorRelease(5))
	l.etcdctr(plain...)
	l.etcdctr("etcdctl", "put", "key", "value")
	set := plain
	l.set("snapshot-count: 5000")
	rolled := l.killedEverywhere(set...)
	l.wantEnd(3, 5, set...)
	l.lose("etcd2")
	replaced := l.killedEverywhere(set...)
	l.wantEnd(3, 5, set...)
	t.Logf("killed %d times in a roll, %d in a replacement", rolled, replaced)
	wantKills(t, rolled, replaced)
}

func TestUpKilledAtEveryStepBetweenReleases(t *testing.T) {
	before, newest := cluster.NewestMinor-1, cluster.NewestMinor
	l, up := small(t, before)
	l.etcdctr(up("--etcd", minorRelease(before))...)
	l.etcdctr("etcdctl", "put", "key", "value")
	raised := l.killedEverywhere(up("--etcd", minorRelease(newest))...)
	l.wantEnd(3, newest, up("--etcd", minorRelease(newest))...)
	lowered := l.killedEverywhere(up("--etcd", minorRelease(before))...)
	l.wantEnd(3, before, up("--etcd", minorRelease(before))...)
	t.Logf("killed %d times on the way to the newest release, %d back", raised, lowered)
	wantKills(t, raised, lowered)
}

// On an engine there is more to be in the middle of: images, networks, containers
// that wait for the place of others.
func TestUpOnAnEngineIsKilledAtEveryStep(t *testing.T) {
	g, before := onEngine(t), cluster.NewestMinor-1
	g.describe(before, 3)
	first := g.interrupted().killedEverywhere("up")
	g.run("etcdctl", "put", "key", "value")
	g.wantWell(3)
	g.describe(before, 4)
	grown := g.interrupted().killedEverywhere("up")
	g.wantWell(4)
	g.set("snapshot-count: 5000")
	g.describe(before, 4)
	rolled := g.interrupted().killedEverywhere("up")
	g.wantWell(4)
	g.describe(before, 3)
	shrunk := g.interrupted().killedEverywhere("up")
	g.wantWell(3)
	g.lose("etcd2")
	replaced := g.interrupted().killedEverywhere("up")
	g.wantWell(3)
	g.describe(cluster.NewestMinor, 3)
	raised := g.interrupted().killedEverywhere("up")
	g.wantWell(3)
	t.Logf("killed %d times in a first start, %d from 3 to 4 members, %d in a roll, %d from 4 to 3, %d in a replacement, %d on the way to the newest release",
		first, grown, rolled, shrunk, replaced, raised)
	wantKills(t, first, grown, rolled, shrunk, replaced, raised)
}

// An engine that ends in the middle takes all members along and brings them back.
func TestAnEngineThatIsRestartedInTheMiddleOfAChange(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "snapshot-count: 5000\n")
	cmd := s.interrupted().command("up", "--progress", "json")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	restarted := false
	for lines := bufio.NewScanner(said); lines.Scan(); {
		var is progressLine
		if !restarted && json.Unmarshal(lines.Bytes(), &is) == nil && is.Action == "stop" && is.Done {
			restarted = true
			e.restart()
		}
	}
	t.Logf("the up that lost its engine ended: %v", cmd.Wait())
	if !restarted {
		t.Fatal("nothing was stopped")
	}
	s.etcdctr("up")
	wantWell(t, 3, func(args ...string) string { return s.etcdctr(args[0], args[1:]...) })
	if steps := s.etcdctr("up", "--dry-run", "--format", "json"); strings.TrimSpace(steps) != "[]" {
		t.Errorf("something is left to do: %s", steps)
	}
}

// set writes a cluster file of one setting, which all members are to have.
func (l *local) set(setting string) {
	l.t.Helper()
	writeFile(l.t, filepath.Join(l.dir, "etcdctr.yaml"), setting+"\n")
}

// lose stops a member and deletes what it holds.
func (l *local) lose(name string) {
	l.t.Helper()
	l.etcdctr("stop", name)
	stack, err := l.home().Stack()
	if err != nil {
		l.t.Fatal(err)
	}
	m, ok := process.Find(stack.Members, name)
	if !ok {
		l.t.Fatalf("there is no %s", name)
	}
	if err := os.RemoveAll(filepath.Join(m.DataDir, "member")); err != nil {
		l.t.Fatal(err)
	}
}

// Ctrl-C at any step leaves a cluster that serves.
func TestACtrlCAtEveryStepOfARollLeavesAClusterThatServes(t *testing.T) {
	l, up := small(t, cluster.NewestMinor)
	set := up("--etcd", minorRelease(cluster.NewestMinor))
	l.etcdctr(set...)
	l.etcdctr("etcdctl", "put", "key", "value")
	l.set("snapshot-count: 5000")
	i := l.interrupted()
	for i.once(syscall.SIGINT, set...) {
		if i.kills++; i.kills == mostKills {
			t.Fatalf("no end after %d interruptions", i.kills)
		}
		eventually(t, "all members to serve after Ctrl-C", l.healthy)
		if n := len(l.state().Members); n != 3 {
			t.Fatalf("after Ctrl-C %d members are there", n)
		}
	}
	l.wantEnd(3, cluster.NewestMinor, set...)
	t.Logf("interrupted %d times", i.kills)
	wantKills(t, i.kills)
}

func TestTwoUpsFromTwoShellsAgree(t *testing.T) {
	l, up := small(t, 5)
	three, five := up("--etcd", minorRelease(5), "--members", "3"), up("--etcd", minorRelease(5), "--members", "5")
	together := func(args ...[]string) {
		var all sync.WaitGroup
		for _, a := range args {
			all.Go(func() {
				if out, err := l.try(a...); err != nil {
					t.Errorf("%v: %s %v", a, out, err)
				}
			})
		}
		all.Wait()
	}
	together(three, three)
	l.etcdctr("etcdctl", "put", "key", "value")
	l.wantEnd(3, 5, three...)
	together(five, five)
	l.wantEnd(5, 5, five...)
	together(three, five) // who comes last decides
	l.etcdctr(five...)
	l.wantEnd(5, 5, five...)
}

// A member that dies while others are being changed comes back, and the change
// goes on to its end, in this run or the next.
func TestAMemberKilledInTheMiddleOfAChange(t *testing.T) {
	l, up := small(t, 5)
	set := up("--etcd", minorRelease(5))
	l.etcdctr(set...)
	l.etcdctr("etcdctl", "put", "key", "value")
	l.set("snapshot-count: 5000")
	cmd := l.command(etcdctrBinary(t), append(set, "--progress", "json")...)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := map[string]bool{}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		var is progressLine
		if json.Unmarshal(lines.Bytes(), &is) != nil {
			continue
		}
		for _, m := range l.state().Members { // one that the change is not about now
			if m.Name != is.Item && m.Status == process.Running && !killed[m.Name] && len(killed) < 2 {
				killed[m.Name] = true
				kill9(t, m.Process)
				break
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Logf("the first run ended: %v", err)
		l.etcdctr(set...)
	}
	l.wantEnd(3, 5, set...)
	if len(killed) != 2 {
		t.Errorf("killed were %v", killed)
	}
}
