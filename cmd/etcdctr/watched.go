package main

import (
	"context"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/dashboard"
)

// watched is a cluster as the dashboard looks at it.
type watched struct {
	*etcdctr.Watched
	examination etcdctr.Examination
}

// Steps are those that commands of this user on this machine have taken.
func (w watched) Steps(after time.Time) ([]dashboard.Step, error) {
	notes, err := w.Watched.Steps(after)
	var all []dashboard.Step
	for _, n := range notes {
		all = append(all, dashboard.Step{Time: n.At, Servers: n.Servers, Text: n.String(), Failed: n.Failure != ""})
	}
	return all, err
}

// Diagnose asks the doctor.
func (w watched) Diagnose(ctx context.Context) (dashboard.Diagnosis, error) {
	d, err := w.Examine(ctx, w.examination)
	return dashboard.Diagnosis{Member: d.Member, Cause: d.Cause, Command: d.Command, ByHand: d.ByHand}, err
}

// Prove does what verify does.
func (w watched) Prove(ctx context.Context) ([]dashboard.Proof, error) {
	proofs, err := w.Verify(ctx)
	var all []dashboard.Proof
	for _, p := range proofs {
		all = append(all, dashboard.Proof{Subject: p.Subject, Check: p.Check, Expected: p.Expected, Seen: p.Seen, OK: p.OK})
	}
	return all, err
}
