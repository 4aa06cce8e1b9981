package target

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/converge"
)

// This file shows what would be done.

// PrintPlan tells what would be done, and does nothing.
func (f *Found) PrintPlan(ctx context.Context, change etcdctr.Change, format string) error {
	w := f.flags.world
	p, err := f.Forecast(ctx, change)
	if p.Endless != nil {
		defer f.say("%s", p.Endless)
	}
	if format == terminal.JSON {
		return cmp.Or(w.PrintJSON(p.Steps.Report()), err)
	}
	if err == nil || len(p.Steps) > 0 {
		f.SayPlanned()
	}
	for _, what := range p.Lacking {
		f.say("%s is not here yet, and would be fetched first", what)
	}
	w.sayRecalled(f.Cluster)
	if err == nil && p.Idle() {
		f.say("%s is as wanted: nothing to do", f.Name())
		return nil
	}
	terminal.WarnAll(w.Console, p.Warnings)
	if p.Emptied != nil {
		w.Warn("%v", p.Emptied)
	}
	if p.WithoutData != nil {
		w.Warn("%v", p.WithoutData)
	}
	w.warnOtherName(p.OtherName)
	planview.Print(w.Out, p.Steps, w.Tint)
	f.sayOldCopies(p.OldCopies)
	f.sayKept(p.Kept)
	if err == nil && p.Endless == nil {
		w.SayTakes(p.Steps)
	}
	return err
}

// warnOtherName says that a cluster is founded where another one may be meant.
func (w *World) warnOtherName(err error) {
	if e := (*etcdctr.OtherNameError)(nil); errors.As(err, &e) {
		w.Warn("%v: %s", e, e.Remedy())
	}
}

// sayRecalled says which flags the cluster was started with, as far as they count still.
func (w *World) sayRecalled(c *etcdctr.Cluster) {
	var recalled []string
	for _, v := range c.Spec().Flags() {
		if slices.Contains(c.Recalled, v.Name) {
			recalled = append(recalled, "--"+v.Name+"="+compose.QuoteShell(v.Value))
		}
	}
	if len(recalled) > 0 {
		w.Say("as it was started: %s", strings.Join(recalled, " "))
	}
}

// SayPlanned says whose plan it is that follows.
func (f *Found) SayPlanned() {
	f.say("what would become of %s, runtime %s:", f.Name(), f.Runtime().Name())
}

// sayKept says where the data stays of members that are taken away.
func (f *Found) sayKept(kept []string) {
	for i, place := range kept {
		kept[i] = ShortPath(place)
	}
	if len(kept) > 0 {
		f.say("the data of members that go stays, and nothing reads it any more: %s; `%s` deletes it", strings.Join(kept, ", "), f.flags.Again("up", "--volumes"))
	}
}

// SayTakes says how long a plan takes.
func (w *World) SayTakes(steps converge.Steps) {
	if takes := steps.Takes().Round(time.Second); takes > 0 {
		w.Say("about %s in all", takes)
	}
}
