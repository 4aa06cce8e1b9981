package member

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// oneRead is how long a member may think about one read while it is waited for:
// left to itself, a read that finds no leader waits for longer than it takes to
// elect one.
const oneRead = 2 * time.Second

// WaitServing waits until each of these members has answered a linearizable
// read, or all members if none are named. What is not in time is in the error,
// each member with its reason; that is after Patience.Progress if the context
// does not end before.
func (c *Client) WaitServing(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = c.names()
	}
	limited, cancel := context.WithTimeout(ctx, c.config.Patience.Progress)
	defer cancel()
	errs := make([]error, len(names))
	each(names, func(i int, name string) { errs[i] = c.waitServing(limited, name) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return ctx.Err()
}

func (c *Client) waitServing(ctx context.Context, name string) error {
	to, err := c.to(name)
	if err != nil {
		return err
	}
	var last error
	for {
		err := c.readOnce(ctx, to)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // one that was cut short says no more than that
			last = err
		}
		if rest(ctx) != nil {
			return fmt.Errorf("%s does not serve: %w", name, meaning(last))
		}
	}
}

func (c *Client) readOnce(ctx context.Context, to *connection) error {
	ctx, cancel := context.WithTimeout(ctx, min(oneRead, c.config.Patience.Question))
	defer cancel()
	return linearizable(ctx, to)
}

// WaitSteady waits until the cluster is steady, and gives that View: what every
// step of a change begins with. The last View and its reasons come with the
// error, which is an UnsteadyError after Patience.Progress.
func (c *Client) WaitSteady(ctx context.Context) (View, error) {
	return c.WaitView(ctx, func(v View) error {
		if reasons := v.Unsteady(); len(reasons) > 0 {
			return &UnsteadyError{Reasons: reasons}
		}
		return nil
	})
}

// WaitView looks until a View is as wanted, which wanted says by giving no error.
// It gives up with the last View and its error once no member that lags has come
// nearer for Patience.Progress, and for as much longer as it may take to send such a
// member all data.
func (c *Client) WaitView(ctx context.Context, wanted func(View) error) (View, error) {
	var seen View
	lacks := error(ErrNotServing)
	var pace Pace
	moved := c.config.Now()
	for {
		now, err := c.Look(ctx) // which has bounds of its own: the last look is to be whole
		if err != nil {
			return seen, errors.Join(err, lacks)
		}
		if pace.Moved(now) {
			moved = c.config.Now()
		}
		if seen, lacks = now, wanted(now); lacks == nil {
			return seen, nil
		}
		if c.config.Now().Sub(moved) > c.config.Patience.Progress+now.allowance() || rest(ctx) != nil {
			return seen, lacks
		}
	}
}

// UnsteadyError says what keeps a cluster from being steady.
type UnsteadyError struct{ Reasons []Reason }

func (e *UnsteadyError) Error() string {
	text := "the cluster is not steady: "
	for i, r := range e.Reasons {
		if i > 0 {
			text += "; "
		}
		text += r.String()
	}
	return text
}
