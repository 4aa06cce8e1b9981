package etcdctr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
)

// This file tells what a recovery would do.

// PlanRecover tells what Recover would do, and does nothing. Which of the members that
// do not answer knows most, and whether more than those that do, is only known once they
// are stopped.
func (c *Cluster) PlanRecover(ctx context.Context, o RecoverOptions) (backup.Forecast, error) {
	r := recovery{Cluster: c, o: o}
	if err := r.look(ctx); err != nil {
		return backup.Forecast{}, err
	}
	k, err := r.known(ctx)
	if err != nil {
		return backup.Forecast{}, err
	}
	f := backup.Forecast{There: r.there(k.best(), k.holders)}
	if f.Steps, err = r.keeps(k); err != nil {
		return f, err
	}
	var size int64
	for _, e := range r.view.Endpoints {
		size = max(size, e.DBSize)
	}
	anew := backup.Forecasted(r.want, r.have, f.There, with(k), size)
	// They are stopped for what they hold, and not for what replaces it.
	at := slices.IndexFunc(anew, func(s converge.Step) bool { return s.Kind == converge.End })
	if at >= 0 && len(k.holders) > 0 {
		anew[at].Cause = "what each has on disk is compared"
		f.Steps = append(f.Steps, anew[at])
		anew = slices.Delete(anew, at, at+1)
	}
	if f.Steps, err = r.keepsStopped(f.Steps, k); err != nil {
		return f, err
	}
	f.Steps = append(f.Steps, anew...)
	return f, nil
}

// keeps is how what one says that answers is kept.
func (r *recovery) keeps(k known) (converge.Steps, error) {
	if k.answers.From == "" {
		return nil, nil
	}
	_, path, err := r.request(r.o.Output, backup.Request{})
	return converge.Steps{{
		Kind: converge.Keep, Servers: []string{k.answers.From},
		Cause: fmt.Sprintf("in %s, before anybody is stopped: revision %d", path, k.answers.Revision),
	}}, err
}

// keepsStopped is how what is on disk is kept.
func (r *recovery) keepsStopped(before converge.Steps, k known) (converge.Steps, error) {
	if len(k.holders) == 0 {
		return before, nil
	}
	_, path, err := r.request(beside(r.o.Output), backup.Request{})
	where := "in " + path
	if _, first, _ := r.request(r.o.Output, backup.Request{}); k.answers.From != "" && first == path {
		where = "beside that"
	}
	var names []string
	for _, h := range k.holders {
		names = append(names, h.Name)
	}
	return append(before, converge.Step{
		Kind: converge.Keep, Servers: names, Cause: "the log of the one that knows most is carried out, and kept " + where,
	}), err
}

// with says what the members are made of.
func with(k known) string {
	var of []string
	if len(k.holders) > 0 {
		of = append(of, "on disk")
	}
	if k.answers.From != "" {
		of = append(of, fmt.Sprintf("of %s, revision %d", k.answers.From, k.answers.Revision))
	}
	if k.earlier.archive != "" {
		of = append(of, fmt.Sprintf("in %s, revision %d", k.earlier.archive, k.earlier.Revision))
	}
	text := "with what is " + of[0]
	if len(of) > 1 {
		text = "with what knows most: what is " + strings.Join(of, ", or ")
	}
	return text
}
