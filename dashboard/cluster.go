package dashboard

import (
	"context"
	"time"

	"github.com/etcdctr/etcdctr"
)

// Of gives a cluster that is watched as what is shown. Examination is how the doctor is
// asked.
func Of(w *etcdctr.Watched, x etcdctr.Examination) Source { return watched{w, x} }

type watched struct {
	*etcdctr.Watched
	examination etcdctr.Examination
}

// Steps are those that commands of this user on this machine have taken.
func (w watched) Steps(after time.Time) ([]Step, error) {
	notes, err := w.Watched.Steps(after)
	var all []Step
	for _, n := range notes {
		all = append(all, Step{Time: n.At, Servers: n.Servers, Text: n.String(), Failed: n.Failure != ""})
	}
	return all, err
}

// Diagnose asks the doctor.
func (w watched) Diagnose(ctx context.Context) (Diagnosis, error) {
	d, err := w.Examine(ctx, w.examination)
	return Diagnosis{Member: d.Member, Cause: d.Cause, Command: d.Command, ByHand: d.ByHand}, err
}

// Prove does what verify does.
func (w watched) Prove(ctx context.Context) ([]Proof, error) {
	proofs, err := w.Verify(ctx)
	var all []Proof
	for _, p := range proofs {
		all = append(all, Proof{Subject: p.Subject, Check: p.Check, Expected: p.Expected, Seen: p.Seen, OK: p.OK})
	}
	return all, err
}
