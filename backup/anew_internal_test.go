package backup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/member"
)

var errEdit = errors.New("line 3: every: is no duration")

// A Runner goes on for weeks, and its description is edited meanwhile: what is wrong with an
// edit is told once, and what was before goes on.
func TestARunnerGoesByItsDescriptionAsItIsNow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	var said []string
	given := 0
	r := &Runner{Store: folder(t.TempDir()), Now: time.Now, Fail: func(err error) { said = append(said, err.Error()) }, Tell: func(what string) { said = append(said, what) }}
	r.Ask = func(context.Context) (*member.Client, func() error, error) {
		return nil, nil, member.ErrNotServing
	}
	r.Anew = func(context.Context) (*Runner, error) {
		if given++; given > 1 {
			return nil, nil
		}
		return &Runner{Store: folder(dir), Request: Request{Cluster: "orders"}, Now: time.Now, Ask: func(context.Context) (*member.Client, func() error, error) {
			cancel()
			return nil, nil, ctx.Err()
		}}, nil
	}
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{"the cluster file has changed: backups of orders go to " + dir + " from now on, by what it says"}
	if diff := cmp.Diff(want, said[:min(1, len(said))]); diff != "" || r.Store != folder(dir) {
		t.Errorf("it goes on with %v (-want +got):\n%s", r.Store, diff)
	}

	said = nil
	broken := []error{errEdit, errEdit, nil, errEdit}
	r.Anew = func(context.Context) (*Runner, error) {
		err := broken[0]
		broken = broken[1:]
		return nil, err
	}
	for range len(broken) {
		if next := r.described(t.Context()); next != nil || r.Store != folder(dir) {
			t.Errorf("it goes by %+v", next)
		}
	}
	if len(said) != 2 || !strings.HasSuffix(said[1], "backups go on by what it said before: "+errEdit.Error()) {
		t.Errorf("of an edit that is wrong, twice in a row and once more, it says %q", said)
	}
}
