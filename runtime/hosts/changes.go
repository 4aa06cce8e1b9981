package hosts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Changes compares what the machines would be handed now with what they were handed
// last, and the release that is wanted with the one that answers.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	want = want.AsStarted(have.Started())
	known, err := r.read()
	if err != nil {
		return nil, err
	}
	var changes []runtime.Change
	wanted := map[string]bool{}
	for _, m := range want.Members {
		wanted[m.Name] = true
		s, there := have.Server(m.Name)
		if !there {
			changes = append(changes, runtime.Change{Server: m.Name, Kind: runtime.Missing})
			continue
		}
		d, err := r.differences(ctx, want, m, s, known[m.Name])
		if err != nil {
			return nil, err
		}
		if len(d) > 0 {
			changes = append(changes, runtime.Change{Server: m.Name, Kind: runtime.Replace, Differences: d})
		}
	}
	for _, s := range have.Members() {
		if !wanted[s.Name] {
			changes = append(changes, runtime.Change{Server: s.Name, Kind: runtime.Leave})
		}
	}
	return changes, nil
}

// differences are those of one member. Of one that was handed over by other means
// only its release is known.
func (r *Runtime) differences(ctx context.Context, want *cluster.Cluster, m cluster.Member, s runtime.Server, was handed) ([]runtime.Difference, error) {
	var all []runtime.Difference
	if is := want.Etcd.String(); s.Release != "" && s.Release != is {
		all = append(all, runtime.Difference{Name: "etcd", Was: s.Release, Is: is})
	}
	if was.Digest == "" {
		return all, nil
	}
	same, err := r.same(ctx, want, m.Name, was)
	if err != nil || same {
		return all, err
	}
	names := map[string]bool{}
	for _, setting := range append(append(cluster.Settings{}, m.Settings...), was.Settings...) {
		before, now := was.Settings.Get(setting.Name), m.Settings.Get(setting.Name)
		if before != now && !names[setting.Name] {
			names[setting.Name] = true
			all = append(all, runtime.Difference{Name: setting.Name, Was: before, Is: now})
		}
	}
	if len(all) == 0 {
		all = append(all, runtime.Difference{Name: runtime.Configuration})
	}
	return all, nil
}

// same tells whether a member would be started by what it was started by.
func (r *Runtime) same(ctx context.Context, want *cluster.Cluster, member string, was handed) (bool, error) {
	if runs := cmp.Or(was.Runs, was.derived(r.Archive(want.Name, member))); runs != "" {
		now, err := r.runs(ctx, want, member)
		return now == runs, err
	}
	archive, err := r.o.Pack(ctx, want, member)
	return digest(archive) == was.Digest, err
}

func digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}
