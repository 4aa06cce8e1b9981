package etcdctr

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/shellword"
)

// This file finds that the data of a cluster is not what it was.

// unfinished finds a restoration that was not finished: members that it has come to and
// others are of two clusters, whatever they say of it.
func (p *patient) unfinished(ctx context.Context) (Diagnosis, bool, error) {
	refusal, err := p.UnfinishedRestore(ctx, p.have)
	if err != nil || refusal == nil {
		return Diagnosis{}, false, err
	}
	return Diagnosis{
		Member: p.name(), Cause: refusal.Reason, Command: Typed(refusal.Remedy.Command),
		ByHand: "that finishes it; " + p.command("restore --undo") + " brings back what was there",
	}, true, nil
}

// recognize finds out whether the members are the cluster that has served before.
func (p *patient) recognize(ctx context.Context, way *Connection) {
	v, err := way.look(ctx)
	if err != nil {
		return // others tell what keeps them from answering
	}
	errors.As(p.judgeSeen(ctx, p.have, v), &p.another)
}

// exchanged is a cluster that serves and is another one.
func (p *patient) exchanged(report health.Report) Diagnosis {
	d := Diagnosis{Member: p.name(), Cause: p.another.Error(), ByHand: p.another.Remedy(), Warnings: report.Warnings}
	if p.another.Backups != "" {
		d.Command = p.command(shellword.Line(restoring(p.another.Backups)...))
	}
	return d
}

// nothing is a cluster of which nothing is there, or nothing but what can't be asked.
func (p *patient) nothing(ctx context.Context) Diagnosis {
	d := Diagnosis{Member: p.name(), Cause: "there is no cluster of this name", Command: p.command("up")}
	_, err := p.Observe(ctx) // again: by now it is known where members are given room for their data
	gone := (*GoneError)(nil)
	if !errors.As(p.missed(err), &gone) {
		return d
	}
	d.Cause, d.Command, d.ByHand = gone.Error(), "", gone.Remedy()
	if gone.Backups != "" {
		d.Command = p.command(shellword.Line(restoring(gone.Backups)...))
	}
	return d
}
