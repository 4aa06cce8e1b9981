//go:build e2e && linux

package e2e

import (
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Two of three members are gone with their data, under a client that remembers every
// write that was acknowledged. A recovery of the third is killed at each step, and each
// time somebody types it again, and what that says.
func recoverKilledAtEveryStep(t *testing.T, runtime string, undone bool) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // a run that is killed leaves there what it has unpacked
	s := newStricken(t, runtime, cluster.NewestMinor)
	s.settle(settledWrites)
	s.lose(s.followers()...)
	i := &interrupted{
		t: t, command: s.command, seen: map[progressLine]bool{},
		notes: []string{"see that", "read", "carry out", "unpack", "make", "stop", "fill", "exchange", "start", "wait until", "compare"},
	}
	recovery, taken := []string{"recover", "--yes"}, 0
	for next := recovery; next != nil && i.once(syscall.SIGKILL, next...); {
		if i.kills++; i.kills == mostKills {
			t.Fatalf("it has come to no end after it was killed %d times", i.kills)
		}
		_, err := output(s.command("recover", "--dry-run"), s.dir)
		switch {
		case err == nil:
			if next = recovery; taken == 0 {
				i.onceMore("exchange")
			}
		case strings.Contains(err.Error(), "was not finished"):
			taken++
			if next = finishes(t, err.Error()); undone {
				s.must("restore", "--undo", "--yes")
				next = recovery
			}
		case strings.Contains(err.Error(), "it has a quorum"):
			next = nil // it was killed in the wait for its end
		default:
			t.Fatalf("after it was killed %d times: %v", i.kills, err)
		}
	}
	wantKills(t, i.kills)
	if taken == 0 {
		t.Error("it was never killed between two members")
	}
	s.must("up", s.detached())
	s.must("health", "--deep")
	s.settle(settledWrites)
	s.writing.end()
	if acknowledged, lost := s.lost(); lost > 0 {
		t.Errorf("%d of %d acknowledged writes are lost", lost, acknowledged)
	}
}

// finishes is the command that goes on with a restoration, by what says that it was not
// finished.
func finishes(t *testing.T, said string) []string {
	t.Helper()
	named := regexp.MustCompile(`etcdctr (restore \S+\.tar\.zst)`).FindStringSubmatch(said)
	if named == nil || !strings.Contains(said, "restore --undo") {
		t.Fatalf("nothing leads on from here: %s", said)
	}
	return append(strings.Fields(named[1]), "--yes")
}

func TestARecoveryKilledAtEveryStepIsFinishedByTheNextOne(t *testing.T) {
	recoverKilledAtEveryStep(t, "process", false)
}

func TestARecoveryKilledAtEveryStepIsUndone(t *testing.T) {
	recoverKilledAtEveryStep(t, "process", true)
}

func TestARecoveryOnAnEngineKilledAtEveryStepIsFinishedByTheNextOne(t *testing.T) {
	recoverKilledAtEveryStep(t, "docker", false)
}
