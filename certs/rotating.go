package certs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file is the order in which authorities are replaced, whoever carries it out.

// rotating is a rotation in the hands that carry it out.
type rotating struct {
	*Rotation
	hands

	confirmed []string // the authorities that Confirmed counts for
}

// hands do what a rotation comes to, or write it down.
type hands interface {
	// condition is that of the authorities that are meant, by their files, and look asks
	// the members as well where one is being replaced.
	condition() (Condition, error)
	look(context.Context) (Condition, error)
	// rotate does a stage to the files.
	rotate(context.Context, RotateOptions) error
	// restart restarts members one by one, and gather, stop and start are those of all.
	restart(ctx context.Context, members []string) error
	gather(context.Context) error
	stop(context.Context) error
	start(context.Context) error
	// confirm waits until clients were told of the new authority.
	confirm(Move) error
}

func (r rotating) do(ctx context.Context, how How, after Stage) error {
	if how.begins() && r.Authority == nil {
		if err := r.recent(); err != nil {
			return err
		}
	}
	switch {
	case how.Abort:
		c, err := r.hands.condition()
		if err != nil {
			return err
		}
		if c.idle() {
			return &IdleError{r.Profiles}
		}
		return r.abort(ctx)
	case how.AtOnce:
		return r.now(ctx)
	case r.Seen() && !how.Single:
		return r.run(ctx)
	case after == "":
		return r.settle(ctx)
	}
	return r.once(ctx)
}

// recent is a *RecentError where all authorities that are meant were replaced just now.
func (r rotating) recent() error {
	c, err := r.hands.condition()
	if err != nil || !c.idle() {
		return err
	}
	last := slices.MinFunc(c.Authorities, func(a, b Standing) int { return a.Since.Compare(b.Since) })
	age := r.PKI.now().Sub(last.Since)
	if age >= justNow {
		return nil
	}
	return &RecentError{Age: age}
}

func (r rotating) run(ctx context.Context) error {
	c, err := r.hands.condition()
	if err != nil {
		return err
	}
	begins := !c.Replacing() || r.Authority != nil && len(c.at(Begin))+len(c.at(Switch)) == 0
	if err := r.PKI.wantReady(r.RotateOptions, begins); err != nil {
		return err
	}
	if r.Confirmed {
		r.confirmed = c.at(Switch)
	}
	if err := r.gather(ctx); err != nil {
		return err
	}
	if begins {
		if err := r.unlessMoved(c, r.stage(ctx, Begin, r.Profiles...)); err != nil {
			return err
		}
	}
	return r.goOn(ctx)
}

// notDoneError is the error of a stage that was not done to the files.
type notDoneError struct{ error }

func (e notDoneError) Unwrap() error { return e.error }

// unlessMoved is the error of a stage, unless another command has replaced the authorities
// further since they were as c says: then there is something else to do, or nothing.
func (r rotating) unlessMoved(c Condition, err error) error {
	if !errors.As(err, new(notDoneError)) {
		return err
	}
	same := func(a, b Standing) bool { return a.Name == b.Name && a.Stage == b.Stage }
	if now, errNow := r.hands.condition(); errNow != nil || slices.EqualFunc(now.Authorities, c.Authorities, same) {
		return err
	}
	return nil
}

func (r rotating) abort(ctx context.Context) error {
	if r.Seen() {
		if err := r.gather(ctx); err != nil {
			return err
		}
	}
	if err := r.stage(ctx, abort, r.Profiles...); err != nil || !r.Seen() {
		return err
	}
	return r.goOn(ctx)
}

func (r rotating) now(ctx context.Context) error {
	if err := r.PKI.wantReady(r.RotateOptions, true); err != nil {
		return err
	}
	if err := r.stop(ctx); err != nil {
		return err
	}
	for _, stage := range []Stage{Begin, Switch, Finish, settle} {
		if err := r.stage(ctx, stage, r.Profiles...); err != nil {
			return errors.Join(err, r.start(ctx))
		}
	}
	return r.start(ctx)
}

func (r rotating) once(ctx context.Context) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if !r.Seen() && r.Stage == Switch && !r.Restarted {
		return &UnseenError{}
	}
	if r.Seen() {
		if err := r.ready(ctx); err != nil {
			return err
		}
	}
	return r.stage(ctx, r.Stage, r.Profiles...)
}

func (r rotating) settle(ctx context.Context) error {
	if !r.Restarted {
		return &UnseenError{Settles: true}
	}
	return r.stage(ctx, settle, r.Profiles...)
}

func (r rotating) ready(ctx context.Context) error {
	if r.Stage != Switch {
		return nil
	}
	c, err := r.look(ctx)
	if lagging := c.Lagging(); err == nil && len(lagging) > 0 {
		err = &LaggingError{lagging}
	}
	return err
}

// stage does one stage, of the authorities that profiles lead to.
func (r rotating) stage(ctx context.Context, stage Stage, profiles ...Profile) error {
	o := RotateOptions{Stage: stage, Profiles: profiles}
	if stage == Begin {
		o = r.RotateOptions
		o.Stage = Begin
	}
	return r.rotate(ctx, o)
}

// goOn makes moves until there is none.
func (r rotating) goOn(ctx context.Context) error {
	for {
		c, err := r.look(ctx)
		if err != nil && ctx.Err() == nil { // another command may have stopped a member just now
			if err = r.gather(ctx); err == nil {
				c, err = r.look(ctx)
			}
		}
		if err != nil {
			return err
		}
		clients, waiting := r.clients(c), without(without(c.at(Switch), r.confirmed), []string{peerCA}) // whom no client trusts
		move := c.Move(len(clients) == 0 || len(waiting) == 0)
		switch move.Kind {
		case Done:
			return nil
		case Confirm:
			err = r.confirm(Move{Kind: Confirm, Authorities: waiting, Clients: clients})
			r.confirmed = c.at(Switch)
		case Restart:
			err = r.restart(ctx, move.Members)
		default:
			err = r.unlessMoved(c, r.stage(ctx, c.stageAfter(move), profilesOf(move.Authorities)...))
		}
		if err != nil {
			return err
		}
	}
}

// clients lists those that have to learn of the new authority from somebody: those that
// are let in.
func (r rotating) clients(c Condition) []string {
	var list []string
	for _, id := range c.Identities {
		name, isClient := strings.CutPrefix(id.Name, "clients/")
		if isClient && !id.Revoked && !slices.Contains(r.Own, name) {
			list = append(list, id.Name)
		}
	}
	return list
}

// profilesOf are the profiles that lead to authorities.
func profilesOf(authorities []string) []Profile {
	var list []Profile
	for _, name := range authorities {
		if name == peerCA {
			list = append(list, Peer)
		} else {
			list = append(list, Client)
		}
	}
	return list
}

// doing is the rotation in hands that do what it comes to.
func (r *Rotation) doing() rotating { return rotating{Rotation: r, hands: &doing{of: r}} }

type doing struct {
	of        *Rotation
	restarted []string // since the last stage
	stopped   bool     // all members are, by Stop
}

func (d *doing) condition() (Condition, error) { return d.of.condition() }

func (d *doing) look(ctx context.Context) (Condition, error) {
	c, err := d.of.condition()
	if err != nil || !c.Replacing() {
		return c, err
	}
	c.Answers, err = d.of.Ask(ctx)
	return c.Of(d.of.Profiles...), err
}

func (d *doing) rotate(ctx context.Context, o RotateOptions) error {
	d.restarted = nil
	report, err := d.of.PKI.rotateTo(ctx, o)
	if err != nil {
		return notDoneError{err}
	}
	if d.of.Tell != nil {
		d.of.Tell(report)
	}
	if d.stopped || o.Stage == settle { // which takes nothing from a member's folder
		return nil
	}
	return d.bring(ctx)
}

// bring has the members have the files, where these are not theirs.
func (d *doing) bring(ctx context.Context) error {
	switch {
	case d.of.Remake != nil:
		return d.of.Remake(ctx)
	case d.of.Share != nil:
		return d.of.Share(ctx)
	}
	return nil
}

func (d *doing) restart(ctx context.Context, members []string) error {
	again := slices.DeleteFunc(slices.Clone(d.restarted), func(name string) bool { return !slices.Contains(members, name) })
	if len(again) > 0 {
		return fmt.Errorf("%s: restarted, and does not trust what its %s says: does it run with the certificates in %s?", strings.Join(again, ", "), CAFile, d.of.PKI.Dir)
	}
	d.restarted = members
	return d.of.Restart(ctx, members)
}

// gather comes first in a run: an interruption may have left members without the files.
func (d *doing) gather(ctx context.Context) error {
	if err := d.of.Gather(ctx); err != nil {
		return err
	}
	if c, err := d.of.condition(); err != nil || !c.Replacing() {
		return err
	}
	return d.bring(ctx)
}

func (d *doing) stop(ctx context.Context) error {
	if d.of.Stop == nil {
		return nil
	}
	d.stopped = true
	return d.of.Stop(ctx)
}

// start starts those that stop has ended.
func (d *doing) start(ctx context.Context) error {
	if d.of.Stop == nil {
		return nil
	}
	if err := d.bring(ctx); err != nil {
		return err
	}
	return d.of.Start(ctx)
}

func (*doing) confirm(m Move) error { return &UnconfirmedError{m.Clients} }
