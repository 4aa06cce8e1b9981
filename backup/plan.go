package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Forecast is what a restoration would do.
type Forecast struct {
	// There is what it takes the place of; without a name there is nothing.
	There There
	// Revision is what the cluster holds now, if that runs and is the one of the archive:
	// what it has written after the archive's would be in the data set aside only.
	Revision int64
	// Users tells that etcd goes by its users in what the archive holds.
	Users bool
	// Leases tells that the archive has some, whose time would count from the beginning.
	Leases bool
	Steps  converge.Steps
}

// Plan finds all that Do finds wrong with an archive and with the place that it is to be
// restored to, tells what Do would do, and does nothing.
func (r *Restoration) Plan(ctx context.Context, archive string) (Forecast, error) {
	room, remove, err := scratch.Make(r.Scratch, "etcdctr-restore")
	if err != nil {
		return Forecast{}, fmt.Errorf("cannot make a folder to unpack into: %w", err)
	}
	defer remove()
	u, err := r.unpack(ctx, archive, room)
	if err == nil {
		err = r.check(ctx)
	}
	if err != nil {
		return Forecast{}, err
	}
	c, err := inspect(u.Snapshot)
	if err != nil {
		return Forecast{}, err
	}
	there, have, err := r.there(ctx, u.Metadata)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{There: there, Users: c.Users, Leases: c.Leases}
	if !there.Another {
		f.Revision = there.Revision
	}
	f.Steps = Forecasted(r.Want, have, there, fmt.Sprintf("with revision %d of what the backup holds", u.Metadata.Revision), c.Size)
	return f, nil
}

// newest is the revision that a cluster holds, and whether it is another one than that of
// a backup.
func (r *Restoration) newest(ctx context.Context, have *runtime.State, of Metadata) (newest int64, another bool) {
	view, ok := r.look(ctx, have)
	if !ok {
		return 0, false
	}
	for _, e := range view.Endpoints {
		newest = max(newest, e.Revision)
	}
	return newest, of.ClusterID != "" && view.Cluster().String() != of.ClusterID
}

// Forecasted are the steps by which a cluster takes the place of what is there, made with
// what with says, on a database of some size.
func Forecasted(want *cluster.Cluster, have *runtime.State, there There, with string, size int64) converge.Steps {
	var names, leave []string
	for _, m := range want.Members {
		names = append(names, m.Name)
	}
	for _, s := range have.Members() {
		if !slices.Contains(names, s.Name) && s.Status != runtime.Away && s.Status != runtime.Absent {
			leave = append(leave, s.Name)
		}
	}
	takes := member.TimeFor(size)
	all := converge.Steps{{Kind: converge.Prepare, Servers: names, Cause: "before anything is touched"}}
	if len(there.Running) > 0 {
		all = append(all, converge.Step{
			Kind: converge.End, Servers: there.Running, Cause: "what they hold is replaced", Takes: time.Second,
			Notice: converge.Notice{Kind: converge.Silence, For: (converge.StartTakes + 2*takes).Round(time.Second)},
		})
	}
	if len(there.Data) > 0 {
		all = append(all, converge.Step{Kind: converge.SetAside, Servers: there.Data, Cause: "it is kept, and `restore --undo` brings it back"})
	}
	all = append(all, converge.Step{Kind: converge.Fill, Servers: names, Cause: with, Takes: takes})
	if len(leave) > 0 {
		all = append(all, converge.Step{Kind: converge.Remove, Servers: leave, Cause: "the description does not have them; their data is kept"})
	}
	return append(all,
		converge.Step{Kind: converge.Apply, Servers: names, Cause: "a new cluster, as no member of before knows it"},
		converge.Step{Kind: converge.AwaitServing, Servers: names, Cause: "each reads its data first", Takes: converge.StartTakes + takes},
		converge.Step{Kind: converge.CompareHashes, Cause: "all were made of one"},
	)
}

// there is what is there, and what it is replaced by.
func (r *Restoration) there(ctx context.Context, by Metadata) (There, *runtime.State, error) {
	have, err := r.Runtime.Observe(ctx, r.Want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return There{By: by}, &runtime.State{Name: r.Want.Name}, nil
	}
	if err != nil {
		return There{}, nil, err
	}
	there := There{Name: have.Name, By: by}
	if there.Data, err = r.withData(ctx, have); err != nil {
		return there, nil, err
	}
	for _, s := range have.Servers {
		if s.Active() {
			there.Running = append(there.Running, s.Name)
		}
	}
	there.Revision, there.Another = r.newest(ctx, have, by)
	return there, have, nil
}

// withData are the members that have data, or may have, but for some.
func (r *Restoration) withData(ctx context.Context, have *runtime.State, but ...string) ([]string, error) {
	var names []string
	for _, m := range have.Members() {
		if slices.Contains(but, m.Name) {
			continue
		}
		data, err := r.Runtime.Data(ctx, have.Name, m.Name)
		if err != nil {
			return nil, err
		}
		if data != runtime.None {
			names = append(names, m.Name)
		}
	}
	return names, nil
}
