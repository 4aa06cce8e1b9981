//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
)

// What members acknowledge that another command starts during a recovery is not replaced by
// what they held before.
func TestWhatIsStartedDuringARecoveryWaitsForItsEnd(t *testing.T) {
	r := remember(t)
	r.up()
	r.make(etcdctr.Change{Verb: converge.Stop})
	started, waits := make(chan error, 1), make(chan struct{})
	start := func() {
		waiting := sync.OnceFunc(func() { close(waits) })
		_, err := r.find().Make(t.Context(), etcdctr.Change{Verb: converge.Start, Tell: func(e converge.Event) {
			if e.Kind == converge.Waiting {
				waiting()
			}
		}})
		if err == nil {
			err = r.put("started")
		}
		started <- err
		waiting()
	}
	o := etcdctr.RecoverOptions{RestoreOptions: consented, Output: t.TempDir(), Found: func(_, _ backup.Metadata) {
		go start() // what the members hold is copied by now
		<-waits
	}}
	if _, err := r.find().Recover(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if !r.has("started") {
		t.Error("what was acknowledged during the recovery is gone")
	}
}

// Members that came together while somebody was asked need no recovery.
func TestARecoveryThatIsNotNeededAnyMoreIsRefused(t *testing.T) {
	r := remember(t)
	r.up()
	r.make(etcdctr.Change{Verb: converge.Stop})
	o := etcdctr.RecoverOptions{Output: t.TempDir()}
	o.Consent = func(context.Context, backup.There) error {
		r.make(etcdctr.Change{Verb: converge.Start})
		return nil
	}
	if _, err := r.find().Recover(t.Context(), o); !errors.Is(err, etcdctr.ErrQuorum) {
		t.Errorf("it gives %v", err)
	}
}

func (r *remembered) put(key string) error {
	return r.withClient(func(c *etcdctr.Client) error {
		_, err := c.Put(r.Context(), key, key)
		return err
	})
}

func (r *remembered) has(key string) (has bool) {
	r.Helper()
	err := r.withClient(func(c *etcdctr.Client) error {
		got, err := c.Get(r.Context(), key)
		has = err == nil && got.Count > 0
		return err
	})
	if err != nil {
		r.Error(err)
	}
	return has
}

func (r *remembered) withClient(do func(*etcdctr.Client) error) error {
	c, err := r.find().Client(r.Context())
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}
