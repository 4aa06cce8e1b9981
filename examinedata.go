package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	return Diagnosis{
		Member: p.name(), Cause: p.another.Error(), Warnings: report.Warnings,
		Command: p.restore(p.another.Backups), ByHand: p.another.Remedy(),
	}
}

// restore is the command that brings back what backups hold; empty where nobody says where
// they are.
func (p *patient) restore(backups string) string {
	if backups == "" {
		return ""
	}
	return p.command(shellword.Line(restoring(backups)...))
}

// othersError is about what something else has started under a cluster's name.
type othersError interface {
	error
	// RunsEtcd tells whether etcd is in it.
	RunsEtcd() bool
}

// others is what something else has started under the cluster's name: to found a cluster
// beside that is not what anybody means.
func (p *patient) others(err othersError) Diagnosis {
	name := p.spec.ClusterName()
	cause := strings.TrimPrefix(err.Error(), name+" ")
	if !err.RunsEtcd() {
		return Diagnosis{Member: p.name(), Cause: cause, ByHand: "--name says another cluster; `etcdctr ls` shows those that there are"}
	}
	return Diagnosis{
		Member: p.name(), Cause: cause + "; there is etcd in it", Command: Typed([]string{"adopt", "--dry-run", "--name", name + "-etcd", name}),
		ByHand: fmt.Sprintf("it says what it takes to make it one of etcdctr's, and what members said that do not run; `%s` what is wrong with them as they are", Typed([]string{"lint", "--running", name})),
	}
}

// nothing is a cluster of which nothing is there, or nothing but what can't be asked.
func (p *patient) nothing(ctx context.Context) Diagnosis {
	d := Diagnosis{Member: p.name(), Cause: "there is no cluster of this name", Command: p.command("up")}
	_, err := p.Observe(ctx) // again: by now it is known where members are given room for their data
	if others := othersError(nil); errors.As(err, &others) {
		return p.others(others)
	}
	err = p.missed(ctx, err)
	if other := (*ProcfileError)(nil); errors.As(err, &other) {
		return Diagnosis{Member: p.name(), Cause: other.Error(), ByHand: other.Remedy()}
	}
	if other := (*OtherNameError)(nil); errors.As(err, &other) {
		return Diagnosis{Member: p.name(), Cause: other.Error(), ByHand: other.Remedy()}
	}
	gone := (*GoneError)(nil)
	if !errors.As(err, &gone) {
		return d
	}
	d.Cause, d.Command, d.ByHand = gone.Error(), p.restore(gone.Backups), gone.Remedy()
	return d
}
