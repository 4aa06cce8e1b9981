package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/runtime"
)

// LastAside is where the last restoration has set aside the data of each member that
// had any. ErrNothing says that there is none.
func LastAside(ctx context.Context, r Runtime, have *runtime.State) (map[string]string, error) {
	last := map[string]string{}
	for _, m := range have.Members() {
		all, err := r.Aside(ctx, have.Name, m.Name)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			last[m.Name] = all[0]
		}
	}
	if len(last) == 0 {
		return nil, fmt.Errorf("%s: %w", have.Name, ErrNothing)
	}
	return last, nil
}

// Undo brings back what the last restoration has set aside, of all members at
// once, and sets aside what there is instead; members that a restoration which was
// killed had not come to are left as they are. It starts nothing. ErrNothing says
// that there is nothing to bring back.
func Undo(ctx context.Context, r Runtime, name string) (map[string]string, error) {
	have, err := r.Observe(ctx, name)
	if err != nil {
		return nil, err
	}
	last, err := LastAside(ctx, r, have)
	if err != nil {
		return nil, err
	}
	release, err := r.Lock(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	defer release()
	if have.Active() {
		if err := r.Stop(ctx, name, 0); err != nil {
			return nil, err
		}
	}
	still, err := untouched(ctx, r, name, have.Members(), last)
	if err != nil {
		return nil, err
	}
	for _, m := range have.Members() {
		if still[m.Name] {
			continue
		}
		var err error
		if where := last[m.Name]; where != "" {
			err = r.BringBack(ctx, name, m.Name, where)
		} else {
			_, err = r.SetAside(ctx, name, m.Name) // it came with the restoration
		}
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// ErrNothing is the error of a cluster of which nothing was set aside.
var ErrNothing = errors.New("nothing was set aside of it")
