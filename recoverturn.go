package etcdctr

import (
	"context"
	"fmt"
	"sync"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// This file is what comes before a recovery touches anything: somebody is asked, and then
// other commands are kept from changing the cluster.

// there is what is replaced.
func (r *recovery) there(by backup.Metadata, holders []backup.Holder) backup.There {
	there := backup.There{Name: r.have.Name, By: by, Running: r.active()}
	for _, h := range holders {
		there.Data = append(there.Data, h.Name)
	}
	return there
}

// consent is asked for before any member is stopped.
func (r *recovery) consent(ctx context.Context, by backup.Metadata, holders []backup.Holder) error {
	there := r.there(by, holders)
	if mostHold(electorate(r.want, r.have), there.Data) {
		r.voice().Warnf("most of the members have data: where `etcdctr start` brings their quorum back, nothing has to be rebuilt")
	}
	if r.o.Consent == nil {
		return fmt.Errorf("%s: %w", there.Name, backup.ErrNoConsent)
	}
	return r.o.Consent(ctx, there)
}

// noTurn lets go of nothing.
func noTurn() error { return nil }

// takeTurn keeps other commands from changing the cluster until what it holds is exchanged:
// members that one of them starts meanwhile may have their quorum again, and what they
// acknowledge then would be set aside with the rest. Nobody was kept from that while
// somebody was asked, so what there is is looked at anew.
func (r *recovery) takeTurn(ctx context.Context) (known, error) {
	name := r.have.Name
	release, err := r.runtime.Lock(ctx, name, func() { r.voice().Tellf("wait for another command that changes %s", name) })
	if err != nil {
		return known{}, err
	}
	r.held, r.view = sync.OnceValue(release), member.View{}
	if err := r.look(ctx); err != nil {
		return known{}, err
	}
	return r.known(ctx)
}
