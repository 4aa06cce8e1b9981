package member_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/etcdctr/etcdctr/member"
)

// fullMembers has a cluster reach its quota under a client that reads all the
// time, and recover.
func fullMembers(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1", "etcd2", "etcd3")
	c.flags = []string{"--quota-backend-bytes=1048576"}
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	etcd := c.raw(t, "etcd1", "etcd2", "etcd3")
	for {
		if _, err := etcd.Put(t.Context(), "key", string(make([]byte, 100_000))); err != nil {
			break
		}
	}
	before, _ := look(t, client).Leader()
	stop, failed := c.reader(t)
	var order []string
	recovery, err := client.RecoverSpace(t.Context(), 0, member.Reclaiming{Tell: func(r member.Reclaimed) {
		if r.Now {
			order = append(order, r.Name)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if reads, err := stop(), failed.Load(); reads == 0 || err != nil {
		t.Errorf("of %d reads meanwhile some failed: %v", reads, err)
	}
	if len(recovery.Members) != 3 || len(order) != 3 || len(recovery.Disarmed) == 0 || recovery.Revision == 0 {
		t.Errorf("%+v, in the order %v", recovery, order)
	}
	if after, _ := look(t, client).Leader(); order[len(order)-1] != before.Name || after.Name == before.Name {
		t.Errorf("the order is %v, %s led before and %s leads now", order, before.Name, after.Name)
	}
	for _, m := range recovery.Members {
		if m.After >= m.Before {
			t.Errorf("%s took %d bytes and takes %d", m.Name, m.Before, m.After)
		}
	}
	if _, err := etcd.Put(t.Context(), "key", "value"); err != nil || !look(t, client).Steady() {
		t.Errorf("it takes no writes again: %v", err)
	}
	again, err := client.Reclaim(t.Context(), member.Reclaiming{Members: []string{"etcd2"}})
	if err != nil || len(again) != 1 || again[0].Name != "etcd2" || !again[0].Left {
		t.Errorf("what is not worthwhile: %+v, %v", again, err)
	}
	c.wantNoneTouchedBesideOneUnwell(t)
}

// wantNoneTouchedBesideOneUnwell has a member end while another one is defragmented: its
// turn is the last, and that of nobody comes as long as it is away.
func (c *running) wantNoneTouchedBesideOneUnwell(t *testing.T) {
	t.Helper()
	impatient := c.client(t, short)
	var touched []string
	unsteady := &member.UnsteadyError{}
	done, err := impatient.Reclaim(t.Context(), member.Reclaiming{All: true, Tell: func(r member.Reclaimed) {
		if r.Now {
			touched = append(touched, r.Name)
			return
		}
		leader, _ := look(t, impatient).Leader()
		c.members[slices.DeleteFunc([]string{"etcd1", "etcd2", "etcd3"}, func(name string) bool { return name == r.Name || name == leader.Name })[0]].Kill()
	}})
	if !errors.As(err, &unsteady) || len(done) != 1 || len(touched) != 1 {
		t.Errorf("a member ended meanwhile: %v were touched, %v done, %v", touched, done, err)
	}
	touched = nil
	if done, err := impatient.Reclaim(t.Context(), member.Reclaiming{All: true, Tell: func(r member.Reclaimed) {
		touched = append(touched, r.Name)
	}}); !errors.As(err, &unsteady) || len(done)+len(touched) > 0 {
		t.Errorf("with a member away: %v were touched, %v done, %v", touched, done, err)
	}
}

// reader reads by way of all members until it is stopped, and counts.
func (c *running) reader(t *testing.T) (stop func() int, failed *atomic.Pointer[error]) {
	t.Helper()
	etcd := c.raw(t, "etcd1", "etcd2", "etcd3")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	failed = new(atomic.Pointer[error])
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if _, err := etcd.Get(ctx, "key"); err != nil && ctx.Err() == nil {
				failed.Store(&err)
			}
		}
		done <- n
	}()
	return func() int { cancel(); return <-done }, failed
}
