package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file has the data that was made from a backup take the place of what members have,
// all of it or nothing.

// ErrMeanwhile is the error of data that has come since it was asked whether what is there
// may be replaced.
var ErrMeanwhile = errors.New("another command has changed it meanwhile, and nobody has agreed to replace what is there now: nothing was touched")

// again looks once more at what is there, now that no other command changes it: ErrMeanwhile
// where members have data that was not there before, or run where none did, and may have
// acknowledged what nobody has agreed to lose.
func (r *Restoration) again(ctx context.Context, there There) (*runtime.State, error) {
	have, err := r.observe(ctx)
	if err != nil {
		return nil, err
	}
	now, err := r.withData(ctx, have, there.Data...)
	if err == nil && len(now) > 0 {
		err = fmt.Errorf("%s has data of %s: %w", have.Name, listed.And(now), ErrMeanwhile)
	}
	if err == nil && len(there.Running) == 0 && have.Active() {
		err = fmt.Errorf("%s runs: %w", have.Name, ErrMeanwhile)
	}
	return have, err
}

// observe is what is there, empty for nothing.
func (r *Restoration) observe(ctx context.Context) (*runtime.State, error) {
	have, err := r.Runtime.Observe(ctx, r.Want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return &runtime.State{Name: r.Want.Name}, nil
	}
	return have, err
}

// exchange stops what runs, gives each member its data and starts them.
func (r *Restoration) exchange(ctx context.Context, there There, db, scratch string) (map[string]string, error) {
	s, err := stager(r.Runtime)
	if err != nil {
		return nil, err
	}
	release, err := r.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	have, err := r.again(ctx, there)
	if err != nil {
		return nil, err
	}
	if have.Active() {
		r.voice().Tellf("stop the members")
		if err := runtime.StopAll(ctx, r.Runtime, have.Name); err != nil {
			return nil, errors.Join(err, r.resume(context.WithoutCancel(ctx), have))
		}
	}
	before := have
	switch _, found, err := takeBack(ctx, r.Runtime, have); { // an earlier one that was killed
	case err != nil:
		return nil, err
	case found:
		if have, err = r.observe(ctx); err != nil {
			return nil, err
		}
	}
	aside, err := r.fillAll(ctx, s, have, db, scratch)
	if err != nil {
		return nil, errors.Join(err, r.resume(context.WithoutCancel(ctx), before))
	}
	ctx = context.WithoutCancel(ctx) // they have what they are to have: nobody leaves them stopped now
	if err := r.leave(ctx, have); err != nil {
		return aside, err
	}
	r.voice().Tellf("start the members")
	return aside, r.Runtime.Apply(ctx, r.existing())
}

// turn keeps other commands from changing the cluster.
func (r *Restoration) turn(ctx context.Context) (release func() error, err error) {
	if r.Held != nil {
		return r.Held, nil
	}
	return r.Runtime.Lock(ctx, r.Want.Name, func() { r.voice().Tellf("wait for another command that changes %s", r.Want.Name) })
}

// leaving are members that are not wanted any more. All of one that can't be reached
// stays: it is of another cluster from now on.
func (r *Restoration) leaving(have *runtime.State) []runtime.Server {
	return slices.DeleteFunc(reachable(have), func(s runtime.Server) bool { return r.wants(s.Name) })
}

// leave has members go that are not wanted any more.
func (r *Restoration) leave(ctx context.Context, have *runtime.State) error {
	for _, s := range r.leaving(have) {
		if s.Status == runtime.Absent {
			continue
		}
		if err := r.Runtime.Remove(ctx, have.Name, runtime.Removal{Servers: []string{s.Name}}); err != nil {
			return err
		}
	}
	return nil
}

// fillAll makes the data of all members, and then has it take its place in all of them.
// Those that are not wanted any more have theirs set aside in between, as long as it can
// be seen that all of this is not finished. It tells where the former data is.
func (r *Restoration) fillAll(ctx context.Context, s runtime.Stager, have *runtime.State, db, scratch string) (map[string]string, error) {
	by := runtime.Restoration{ID: strings.ToLower(rand.Text()), Again: r.Again}
	before, asides, err := lastNumber(ctx, r.Runtime, s, have)
	if err != nil {
		return nil, err
	}
	by.Number, by.Asides = before+1, asides
	if by.Over, err = r.holders(ctx, have); err != nil {
		return nil, err
	}
	members := r.Want.Members
	for _, m := range members {
		by.For = append(by.For, m.Name)
	}
	r.voice().Tellf("fill %s", strings.Join(by.For, ", "))
	if err := runtime.Together(members, func(m cluster.Member) error {
		made := runtime.Made{Dir: filepath.Join(scratch, membersDir, m.Name), Database: db, Own: m.Name == members[0].Name}
		return s.Stage(ctx, r.Want, m.Name, by, made)
	}); err != nil {
		return nil, err
	}
	if err := os.Remove(db); err != nil { // it may be a member's by now
		return nil, err
	}
	return r.place(ctx, s, have)
}

// holders are the members, those that are to be and those that are there, that have data.
func (r *Restoration) holders(ctx context.Context, have *runtime.State) ([]string, error) {
	var names, over []string
	for _, m := range r.Want.Members {
		names = append(names, m.Name)
	}
	for _, m := range r.leaving(have) {
		names = append(names, m.Name)
	}
	for _, name := range names {
		data, err := r.Runtime.Data(ctx, r.Want.Name, name)
		if err != nil {
			return nil, err
		}
		if data == runtime.Kept || data == runtime.Unknown {
			over = append(over, name)
		}
	}
	return over, nil
}

// place has the data that was made take its place.
func (r *Restoration) place(ctx context.Context, s runtime.Stager, have *runtime.State) (map[string]string, error) {
	aside := map[string]string{}
	for _, m := range r.leaving(have) {
		where, err := r.Runtime.SetAside(ctx, have.Name, m.Name)
		if err != nil {
			return aside, err
		}
		if where != "" {
			aside[m.Name] = where
		}
	}
	r.voice().Detailf("exchange the data of the members")
	var mu sync.Mutex
	err := runtime.Together(r.Want.Members, func(m cluster.Member) error {
		where, err := s.Exchange(ctx, r.Want, m.Name)
		mu.Lock()
		defer mu.Unlock()
		if where != "" {
			aside[m.Name] = where
		}
		return err
	})
	return aside, err
}

// resume has the former members go on as they were: those that ran run again.
func (r *Restoration) resume(ctx context.Context, have *runtime.State) error {
	now, err := r.Runtime.Observe(ctx, r.Want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, _, err = takeBack(ctx, r.Runtime, now)
	}
	if err != nil || !have.Active() {
		return err
	}
	var ran []string
	for _, s := range have.Servers {
		if s.Active() {
			ran = append(ran, s.Name)
		}
	}
	r.voice().Tellf("start the members again, on their former data")
	return r.Runtime.Start(ctx, have.Name, ran...)
}
