package etcdctr

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
)

// Forecast is what Make would do, and what there is to know of it before.
type Forecast struct {
	Steps converge.Steps
	// Endless is why nobody knows how often steps are repeated; nil where it is known.
	Endless *converge.EndlessError
	// Lacking would be fetched first: see Cluster.LackingFor.
	Lacking []string
	// OldCopies are members that would be given other certificates while they run: see
	// Cluster.OldCopies.
	OldCopies []string
	// Warnings are of the description: what works and costs something.
	Warnings []cluster.Problem
	// Emptied is an *EmptiedError where the cluster would begin empty though it has served.
	Emptied error
	// WithoutData is a *WithoutDataError where members would start without the data that the others
	// have: see Cluster.WithoutData.
	WithoutData error
	// OtherName is an *OtherNameError where the cluster would be founded in a folder of others:
	// see Cluster.OtherName.
	OtherName error
	// Kept is where data stays of members that go: see Cluster.Kept.
	Kept []string
}

// Idle tells that nothing would be done.
func (f Forecast) Idle() bool { return len(f.Steps) == 0 && len(f.OldCopies) == 0 }

// Forecast tells what a change would come to, and does nothing. With the error, which
// may be a *converge.Refusal, it has the steps that come before it.
func (c *Cluster) Forecast(ctx context.Context, change Change) (Forecast, error) {
	var f Forecast
	var err error
	f.Steps, err = c.Plan(ctx, change)
	if errors.As(err, &f.Endless) {
		err = nil
	}
	if err == nil {
		f.Lacking, err = c.LackingFor(ctx, f.Steps)
	}
	if err != nil || change.Verb != converge.Up {
		return f, err
	}
	if !c.KeepsCertificates() { // where the steps tell it
		f.OldCopies, err = c.OldCopies(ctx)
	}
	if err != nil || f.Idle() {
		return f, err
	}
	want, err := c.Want(ctx)
	if err != nil {
		return f, err
	}
	f.Warnings, f.Emptied = want.Warnings, c.emptiedBy(f.Steps, want, c.hasServedOnThis(ctx))
	f.WithoutData, f.OtherName = c.withoutData(want), c.OtherName()
	f.Kept, err = c.Kept(ctx, f.Steps)
	return f, err
}
