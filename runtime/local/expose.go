package local

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

var _ runtime.Exposer = (*Runtime)(nil)

// Expose compares what the processes listen on with what they are meant to.
func (r *Runtime) Expose(ctx context.Context, want *cluster.Cluster) ([]runtime.Exposure, []string, error) {
	home := r.home(want.Name)
	state, err := home.State()
	if err != nil {
		return nil, nil, err
	}
	var all []runtime.Exposure
	for _, m := range want.Servers() {
		is := stateOf(slices.Concat(state.Members, state.Services), m.Name)
		if is == nil || is.Status != process.Running {
			continue
		}
		seen, err := process.Listening(ctx, is.Process.PID)
		if err != nil {
			return nil, nil, err
		}
		promised := slices.Collect(maps.Keys(addresses(m)))
		all = append(all, runtime.Exposure{Subject: m.Name, Check: "listens on", Expected: words(promised), Seen: words(seen)})
	}
	return all, nil, nil
}

func words(list []string) string {
	if len(list) == 0 {
		return runtime.Nothing
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, " ")
}
