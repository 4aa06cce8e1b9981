//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// What is older than a time goes, as continuous backups know it, and all that is younger
// stays: compared with a record of when each revision was acknowledged.
func TestACompactionByAgeKeepsWhatIsYounger(t *testing.T) {
	s := newStricken(t, "process", cluster.NewestMinor)
	s.follow()
	s.settle(settledWrites)
	const age = 3 * time.Second
	var done struct{ Revision int64 }
	var ended time.Time
	eventually(t, "a revision to be known that is old enough", func() error {
		out, err := output(s.command("compact", "--older-than", age.String(), "--format", "json"), s.dir)
		ended = time.Now() // no earlier than the command has asked for the time
		if err == nil {
			err = json.Unmarshal([]byte(out), &done)
		}
		if err == nil && done.Revision <= s.acknowledged()[0].revision {
			err = errors.New("it is older than the first write that was acknowledged")
		}
		return err
	})
	c := s.client()
	defer c.Close()
	var older, younger int
	for _, a := range s.acknowledged() {
		_, err := c.Get(t.Context(), a.key, clientv3.WithRev(a.revision))
		gone, young := errors.Is(err, rpctypes.ErrCompacted), a.at.After(ended.Add(-age))
		switch {
		case err != nil && !gone:
			t.Fatal(err)
		case gone != (a.revision < done.Revision):
			t.Errorf("revision %d is gone: %v, where it was compacted to %d", a.revision, gone, done.Revision)
		case gone && young:
			t.Errorf("revision %d, of %v before, is gone", a.revision, ended.Sub(a.at))
		case gone:
			older++
		case young:
			younger++
		}
	}
	t.Logf("compacted to revision %d: %d older ones are gone, %d younger ones are there", done.Revision, older, younger)
	if older == 0 || younger == 0 {
		t.Errorf("%d older ones are gone, and %d younger ones are there", older, younger)
	}
	s.must("health")
}
