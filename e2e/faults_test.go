//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What a cluster has acknowledged survives everything that leaves its data
// alone. How long writes stop for is reported, not judged.

// fault is something that befalls some members and passes.
type fault struct {
	members  int  // of the cluster; 3 if 0
	hit      int  // how many of them are hit, the leader first
	spared   bool // the leader is: followers are hit
	majority bool // goes down with them, so that writes stop until they are back
	strike   func(*Member, context.Context) error
	mend     func(*Member, context.Context) error
}

var faults = map[string]fault{
	"kill -9 of the leader":             {hit: 1, strike: (*Member).Kill, mend: (*Member).Start},
	"kill -9 of a follower":             {hit: 1, spared: true, strike: (*Member).Kill, mend: (*Member).Start},
	"kill -9 of two of five":            {members: 5, hit: 2, strike: (*Member).Kill, mend: (*Member).Start},
	"kill -9 of two of three":           {hit: 2, majority: true, strike: (*Member).Kill, mend: (*Member).Start},
	"kill -9 of all":                    {hit: 3, majority: true, strike: (*Member).Kill, mend: (*Member).Start},
	"restart of all":                    {hit: 3, majority: true, strike: (*Member).Stop, mend: (*Member).Start},
	"stop of the leader":                {hit: 1, strike: (*Member).Stop, mend: (*Member).Start},
	"pause of the leader":               {hit: 1, strike: (*Member).Pause, mend: (*Member).Unpause},
	"pause of a follower":               {hit: 1, spared: true, strike: (*Member).Pause, mend: (*Member).Unpause},
	"network partition of the leader":   {hit: 1, strike: (*Member).Disconnect, mend: (*Member).Reconnect},
	"network partition of two of five":  {members: 5, hit: 2, spared: true, strike: (*Member).Disconnect, mend: (*Member).Reconnect},
	"network partition of two of three": {hit: 2, majority: true, strike: (*Member).Disconnect, mend: (*Member).Reconnect},
}

func TestAcknowledgedWritesSurvive(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) { f.test(t) })
	}
}

// settledWrites are enough to know that writes go well.
const settledWrites = 50

func (f fault) test(t *testing.T) {
	t.Helper()
	etcd := faultyCluster(t, f.members)
	l := startLoad(t, fixtureConfig(t, etcd))
	l.wantMore(settledWrites)
	victims := f.victims(t, etcd)
	together(t, victims, f.strike)
	if f.majority {
		l.wantFailure()
	} else {
		l.wantMore(settledWrites)
	}
	together(t, victims, f.mend)
	if err := etcd.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.wantMore(settledWrites)
	l.finish()
}

// faultyCluster has the timing and the disk writes of a cluster that is not
// only for tests.
func faultyCluster(t *testing.T, members int) *Cluster {
	t.Helper()
	return Start(t, WithSpec(cluster.Spec{
		Profile: "dev", Image: etcdImage(t, cluster.NewestMinor), Members: cluster.Count(max(members, 3)),
	}))
}

func (f fault) victims(t *testing.T, etcd *Cluster) []*Member {
	t.Helper()
	leader, err := etcd.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var victims []*Member
	if !f.spared {
		victims = append(victims, leader)
	}
	for _, m := range etcd.Members {
		if m != leader && len(victims) < f.hit {
			victims = append(victims, m)
		}
	}
	return victims
}

// together does something to members at the same time.
func together(t *testing.T, members []*Member, do func(*Member, context.Context) error) {
	t.Helper()
	errs := make(chan error, len(members))
	for _, m := range members {
		go func() { errs <- do(m, t.Context()) }()
	}
	var all error
	for range members {
		all = errors.Join(all, <-errs)
	}
	if all != nil {
		t.Fatal(all)
	}
}

func TestAcknowledgedWritesSurviveARestartOfOneAfterTheOther(t *testing.T) {
	etcd := faultyCluster(t, 3)
	l := startLoad(t, fixtureConfig(t, etcd))
	for _, m := range etcd.Members {
		l.wantMore(settledWrites)
		if err := errors.Join(m.Stop(t.Context()), m.Start(t.Context()), etcd.Ready(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	l.wantMore(settledWrites)
	l.finish()
}
