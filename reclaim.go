package etcdctr

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/etcdctr/etcdctr/member"
)

// Reclaim gives free pages of the members' databases back to the disk: see
// member.Client.Reclaim.
func (c *Cluster) Reclaim(ctx context.Context, o member.Reclaiming) (done []member.Reclaimed, err error) {
	err = c.whileNobodyChanges(ctx, func(members *member.Client) error {
		done, err = members.Reclaim(ctx, o)
		return err
	})
	return done, err
}

// whileNobodyChanges is WithMembers for what has one member after the other answer nobody.
// Another command that stops one at a time waits for the same moment, in which all serve, and
// both together would take the quorum.
func (c *Cluster) whileNobodyChanges(ctx context.Context, do func(*member.Client) error) error {
	release, err := c.lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.WithMembers(ctx, do), release())
}

// lock keeps other commands from changing the cluster, and tells of one that has to come to
// its end first.
func (c *Cluster) lock(ctx context.Context) (release func() error, err error) {
	return c.runtime.Lock(ctx, c.spec.ClusterName(), c.sayWaiting)
}

// Changing tells that another command changes the cluster at this moment: what is asked
// meanwhile may be of members that it has stopped. It changes nothing, and waits for nobody.
func (c *Cluster) Changing(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var held atomic.Bool
	release, err := c.runtime.Lock(ctx, c.spec.ClusterName(), func() {
		held.Store(true)
		cancel()
	})
	if err == nil {
		_ = release()
	}
	return held.Load()
}

func (c *Cluster) sayWaiting() { c.o.Events(Event{Waiting: true}) }
