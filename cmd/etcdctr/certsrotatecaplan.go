package main

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/converge"
)

// printRotation tells the moves of a replacement, what clients notice and how long it
// takes, and makes none of them.
func (o certsRotateCAOptions) printRotation(ctx context.Context, a *app, dir string, members *target.Found, r *certs.Rotation) error {
	how := o.how()
	moves, err := r.Forecast(ctx, how)
	if errors.Is(err, certs.ErrIdle) {
		a.Say("certificates in %s: %s is being replaced", dir, noAuthority(o.authority))
		return nil
	}
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.Say("what would become of the authorities in %s:", dir)
	takes, err := rotationTakes(ctx, members, moves, r.Seen() && !how.Single && !how.AtOnce)
	if err != nil {
		return err
	}
	planview.PrintRotation(a.Out, moves, takes, a.Tint)
	a.SayTakes(takes.All)
	if after := r.After(how); after != "" {
		a.Say("next: %s", afterStage[after])
	}
	return nil
}

// rotationTakes are the steps of members that go with a replacement.
func rotationTakes(ctx context.Context, f *target.Found, moves []certs.Move, gathers bool) (planview.Rotation, error) {
	var takes planview.Rotation
	var err error
	if f == nil {
		return takes, nil
	}
	if gathers {
		takes.Gather, err = f.Plan(ctx, etcdctr.Change{Verb: converge.Start})
	}
	if err != nil || len(takes.Gather) > 0 { // nobody knows how those restart that stand still
		return takes, err
	}
	for _, m := range moves {
		if m.Kind != certs.Restart {
			continue
		}
		if takes.Restart, err = f.Plan(ctx, etcdctr.Change{Verb: converge.Restart, Servers: m.Members}); err != nil {
			return takes, err
		}
		takes.All = append(takes.All, takes.Restart...)
	}
	return takes, nil
}
