package etcdctr

import "context"

// This file has a recovery that comes to nothing leave members as they were.

// leaveAsTheyWere starts those again that ran, where nothing was exchanged.
func (r *recovery) leaveAsTheyWere(ctx context.Context) error {
	have, err := r.Observe(ctx)
	if err != nil {
		return err
	}
	if refusal, err := r.UnfinishedRestore(ctx, have); err != nil || refusal != nil {
		return err
	}
	r.voice().Tellf("start the members again that ran, on what they have")
	return r.wake(ctx)
}

// wake starts those again that were not at rest.
func (r *recovery) wake(ctx context.Context) error {
	names := r.active()
	if len(names) == 0 {
		return nil
	}
	return r.runtime.Start(ctx, r.have.Name, names...)
}

// active are the members that run or are started again and again.
func (r *recovery) active() []string {
	var names []string
	for _, s := range r.have.Members() {
		if s.Active() {
			names = append(names, s.Name)
		}
	}
	return names
}
