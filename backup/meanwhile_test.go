//go:build unix

package backup_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// meanwhile is a runtime whose lock another command holds, which does something before it
// lets go.
type meanwhile struct {
	*local.Runtime
	other func()
}

func (m meanwhile) Lock(ctx context.Context, name string, waiting func()) (func() error, error) {
	m.other()
	return m.Runtime.Lock(ctx, name, waiting)
}

// The second of two commands finds what the first has done: it does not do the reverse.
func TestARestorationThatIsUndoneMeanwhileIsNotBroughtBack(t *testing.T) {
	h := newHalf(t, 1)
	h.restore(h.want, never)
	_, err := backup.Undo(t.Context(), meanwhile{h.r, sync.OnceFunc(h.undo)}, "orders")
	if !errors.Is(err, backup.ErrUndone) {
		t.Errorf("it gives %v", err)
	}
	h.wantHeld("undone twice at once")
}

// Nobody has agreed to replace what was not there when it was asked.
func TestWhatHasComeMeanwhileIsNotReplaced(t *testing.T) {
	h := newHalf(t, 1)
	r := processes(t)
	want := place(t, r, 2)
	of := restoration(t, meanwhile{r, sync.OnceFunc(func() {
		if err := r.Apply(t.Context(), want); err != nil {
			t.Error(err)
		}
		put(t, connect(t, endpoints(t, r)...), "new")
		if err := r.Stop(t.Context(), "orders", 0); err != nil {
			t.Error(err)
		}
	})}, want)
	of.Consent = nil
	if _, err := of.Do(t.Context(), h.archive); !errors.Is(err, backup.ErrMeanwhile) {
		t.Errorf("it gives %v", err)
	}
	for _, m := range want.Members {
		if aside, err := r.Aside(t.Context(), "orders", m.Name); err != nil || !cmp.Equal(aside, []string(nil)) {
			t.Errorf("of %s %q is set aside, %v", m.Name, aside, err)
		}
	}
	if err := r.Start(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, connect(t, endpoints(t, r)...), "new"); got == "" {
		t.Error("what was founded meanwhile is gone")
	}
}

// Nor what members have acknowledged since that did not run then.
func TestWhatIsWrittenMeanwhileIsNotReplaced(t *testing.T) {
	h := newHalf(t, 1)
	of := restoration(t, meanwhile{h.r, sync.OnceFunc(func() {
		if err := h.r.Start(t.Context(), "orders"); err != nil {
			t.Fatal(err)
		}
		put(t, connect(t, endpoints(t, h.r)...), "new")
	})}, h.want)
	of.Consent = func(context.Context, backup.There) error { return nil }
	if _, err := of.Do(t.Context(), h.archive); !errors.Is(err, backup.ErrMeanwhile) {
		t.Errorf("it gives %v", err)
	}
	if got := get(t, connect(t, endpoints(t, h.r)...), "new"); got == "" {
		t.Error("what was acknowledged meanwhile is gone")
	}
}
