package runtime

import (
	"context"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// SettingDifferences compares setting by setting: what is wanted in its order, and
// then what is no longer.
func SettingDifferences(was, is cluster.Settings) []Difference {
	var all []Difference
	for _, x := range is {
		if old := was.Get(x.Name); old != x.Value {
			all = append(all, difference(x.Name, old, x.Value))
		}
	}
	for _, x := range was {
		wanted := slices.ContainsFunc(is, func(y cluster.Setting) bool { return y.Name == x.Name })
		if !wanted && x.Value != "" {
			all = append(all, difference(x.Name, x.Value, ""))
		}
	}
	return all
}

// difference keeps what may be secret to itself.
func difference(name, was, is string) Difference {
	if strings.Contains(name, "password") || strings.Contains(name, "auth-token") {
		return Difference{Name: name}
	}
	return Difference{Name: name, Was: was, Is: is}
}

// AsStarted gives want with the members of have that go on from their data as
// they were founded, and all others as wanted. A file that is rendered of it
// changes nothing about those. It is looked for data that have does not tell of.
func AsStarted(ctx context.Context, r Runtime, want *cluster.Cluster, have *State) (*cluster.Cluster, error) {
	started := have.Started()
	as := want.AsStarted(started)
	for i, m := range as.Members {
		x, _ := have.Server(m.Name)
		if x.Active() || sameSettings(m.Settings, want.Members[i].Settings) {
			continue
		}
		data := x.Data
		if data == Unknown {
			var err error
			if data, err = r.Data(ctx, want.Name, m.Name); err != nil {
				return nil, err
			}
		}
		if data == None || data == Volatile {
			delete(started, m.Name)
		}
	}
	return want.AsStarted(started), nil
}

func sameSettings(a, b cluster.Settings) bool {
	values := map[string]string{}
	for _, x := range a {
		values[x.Name] = x.Value
	}
	for _, x := range b {
		if v, ok := values[x.Name]; !ok || v != x.Value {
			return false
		}
	}
	return len(a) == len(b)
}
