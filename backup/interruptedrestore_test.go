//go:build unix

package backup_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// interrupted is interrupted while it stops all members, which it goes on with all the
// same: those that are started again meanwhile are stopped after all.
type interrupted struct {
	*local.Runtime
	interrupt context.CancelFunc
	late      bool
}

func (i *interrupted) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	if i.interrupt(); ctx.Err() != nil {
		i.late = true
		return ctx.Err()
	}
	return i.Runtime.Stop(ctx, name, grace, servers...)
}

func (i *interrupted) Start(ctx context.Context, name string, servers ...string) error {
	err := i.Runtime.Start(ctx, name, servers...)
	if err == nil && i.late {
		err = i.Runtime.Stop(ctx, name, 0, servers...)
	}
	return err
}

func TestARestorationThatIsInterruptedStartsAgainWhatItHasStopped(t *testing.T) {
	archive, _ := archiveOf(t, 5, 100)
	r := processes(t)
	want := place(t, r, 3)
	if err := r.Apply(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, endpoints(t, r)...).Put(t.Context(), "kept", "yes"); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	cut := restoration(t, &interrupted{Runtime: r, interrupt: interrupt}, want)
	cut.Consent = func(context.Context, backup.There) error { return nil }
	if _, err := cut.Do(ctx, archive); !errors.Is(err, context.Canceled) {
		t.Fatalf("it gives %v", err)
	}
	if have, err := r.Observe(t.Context(), want.Name); err != nil || len(have.Servers) != 3 || !have.Servers[1].Runs() {
		t.Fatalf("those that ran: %v", err)
	}
	if got := get(t, connect(t, endpoints(t, r)...), "kept"); got != "yes" {
		t.Errorf("the old cluster holds %q", got)
	}
}
