package main

import (
	"context"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/dashboard"
)

// watched is a cluster as the dashboard looks at it.
type watched struct {
	*etcdctr.Watched
	examination etcdctr.Examination
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
