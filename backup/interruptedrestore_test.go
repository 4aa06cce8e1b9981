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

// interrupted stops all members, and is interrupted with that.
type interrupted struct {
	*local.Runtime
	interrupt context.CancelFunc
}

func (i interrupted) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	if err := i.Runtime.Stop(ctx, name, grace, servers...); err != nil {
		return err
	}
	i.interrupt()
	return ctx.Err()
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
	cut := restoration(t, interrupted{r, interrupt}, want)
	cut.Consent = func(context.Context, backup.There) error { return nil }
	if _, err := cut.Do(ctx, archive); !errors.Is(err, context.Canceled) {
		t.Fatalf("it gives %v", err)
	}
	if got := get(t, connect(t, endpoints(t, r)...), "kept"); got != "yes" {
		t.Errorf("the old cluster holds %q", got)
	}
}
