package main

import (
	"context"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
)

// printRotation tells the moves of a replacement, what clients notice and how long it
// takes, and makes none of them.
func (o certsRotateCAOptions) printRotation(ctx context.Context, a *app, dir string, members *target.Found, r *certs.Rotation) error {
	moves, err := r.Forecast(ctx, o.how)
	if nothingToRotate(err) {
		sayNothingToRotate(a, dir, err)
		return nil
	}
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.Say("what would become of the authorities in %s:", dir)
	var takes etcdctr.RotationSteps
	if members != nil {
		if takes, err = members.RotationSteps(ctx, moves, r.Seen() && !o.how.Single && !o.how.AtOnce); err != nil {
			return err
		}
	}
	planview.PrintRotation(a.Out, moves, takes, func(colour text.Colors, line string) string {
		return a.Tint(colour, a.Voice.Retyped(line))
	})
	a.SayTakes(takes.All)
	if after := r.After(o.how); after != "" {
		a.Say("next: %s", after.Then())
	}
	return nil
}
