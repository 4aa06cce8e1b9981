//go:build e2e && linux

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// TestARotationKilledAtEveryStepTurnsNobodyAway has it go on wherever it was killed, on
// the members of processes and of an engine.
func TestARotationKilledAtEveryStepTurnsNobodyAway(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		l, up := small(t, minor)
		l.etcdctr(up("--etcd", minorRelease(minor))...)
		wantRotatedBitByBit(t, l.interrupted(), l.dir, l.clientConfig().Endpoints)
		l.etcdctr("verify")
		l.wantDone(up("--etcd", minorRelease(minor)))
	})
	t.Run("engine", func(t *testing.T) {
		s, endpoints := newServedStack(t, cluster.NewestMinor)
		i := s.interrupted()
		i.command = func(args ...string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), append(args, "--name", s.name)...)
			cmd.Dir = s.dir
			return cmd
		}
		wantRotatedBitByBit(t, i, s.dir, endpoints)
		s.wantShown(endpoints)
		s.etcdctr("verify")
	})
}

// wantRotatedBitByBit replaces the authorities of the cluster of a folder, killed at
// every step, under clients that notice nothing. The first stage is one of its own: who
// stays connected has to have read what comes of it.
func wantRotatedBitByBit(t *testing.T, i *interrupted, folder string, endpoints []string) {
	t.Helper()
	before := readFile(t, filepath.Join(folder, "certs/ca/client", certs.CertFile))
	i.killedEverywhere("certs", "rotate-ca", "--stage", "begin")
	l := startLoadOf(t, freshConfig(t, folder, endpoints), requestTimeout)
	l.startNewcomers(func() clientv3.Config { return freshConfig(t, folder, endpoints) })
	l.wantMore(settledWrites)
	kills := i.killedEverywhere("certs", "rotate-ca")
	l.wantMore(settledWrites)
	l.wantMoreNewcomers(settledNewcomers)
	l.finish()
	l.wantNobodyTurnedAway()
	l.wantOnlyHandovers()
	if readFile(t, filepath.Join(folder, "certs/ca/client", certs.CertFile)) == before {
		t.Error("the authority is the old one")
	}
	t.Logf("killed %d times", kills)
	wantKills(t, kills)
}

// wantOnlyHandovers wants no write to have failed but those that etcd says it has not
// done, or has lost, because another member took over in that moment.
func (l *load) wantOnlyHandovers() {
	l.t.Helper()
	for _, err := range l.failed {
		if !neverDone(err) && !gaveUp(err) {
			l.t.Errorf("a write failed: %v", err)
		}
	}
}
