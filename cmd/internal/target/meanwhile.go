package target

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Meanwhile says of an error that another command is changing the cluster, where one is: it
// may have stopped the members that were asked, and the doctor knows nothing of that.
func (f *Found) Meanwhile(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || !f.Changing(ctx) {
		return err
	}
	return hints.With(fmt.Errorf("%w\nanother etcdctr is changing %s", err, f.Name()), "run this again once that is done")
}

// Unanswered is Meanwhile for what fails for other reasons, too: members that are away.
func (f *Found) Unanswered(ctx context.Context, err error) error {
	for _, away := range []error{backup.ErrNobody, member.ErrNotServing, runtime.ErrNotFound} {
		if errors.Is(err, away) {
			return f.Meanwhile(ctx, err)
		}
	}
	if errors.As(err, new(*etcdctr.DownError)) || errors.As(err, new(*etcdctr.IdleError)) ||
		errors.As(err, new(*member.TroubleError)) || errors.As(err, new(*backup.BrokenOffError)) {
		return f.Meanwhile(ctx, err)
	}
	return err
}
