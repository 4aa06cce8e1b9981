package local

import (
	"context"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Changes compares what processes were started with with what they would be
// started with.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	stack, err := r.stack(ctx, want.AsStarted(have.Started()))
	if err != nil {
		return nil, err
	}
	var last process.Stack
	if have != nil {
		if last, err = r.home(have.Name).Stack(); err != nil {
			return nil, err
		}
	}
	var changes []runtime.Change
	wanted, there := slices.Concat(stack.Services, stack.Members), slices.Concat(last.Services, last.Members)
	for _, is := range wanted {
		was, ok := process.Find(there, is.Name)
		if s, _ := have.Server(is.Name); !ok || s.Status == runtime.Absent {
			changes = append(changes, runtime.Change{Server: is.Name, Kind: runtime.Missing})
			continue
		}
		if s, _ := have.Server(is.Name); s.Runs() && strange(was, is) && !readSince(s.Since, is) {
			changes = append(changes, changeOfTrust(was, is))
			continue
		}
		if d := differences(was, is); len(d) > 0 {
			changes = append(changes, runtime.Change{Server: is.Name, Kind: runtime.Replace, Differences: d})
		}
	}
	for _, was := range there {
		if _, ok := process.Find(wanted, was.Name); !ok {
			changes = append(changes, runtime.Change{Server: was.Name, Kind: runtime.Leave})
		}
	}
	return changes, nil
}

// differences are those that make a process another. What it inherits from
// whoever starts it is none.
func differences(was, is process.Member) []runtime.Difference {
	var all []runtime.Difference
	if was.Version != is.Version && was.Version != "" {
		all = append(all, runtime.Difference{Name: "etcd", Was: was.Version, Is: is.Version})
	}
	// Another release is another program, mostly: its path says no more.
	if len(all) == 0 && was.Path != is.Path || !slices.Equal(was.Args, is.Args) {
		all = append(all, runtime.Difference{Name: runtime.Program, Was: programOf(was), Is: programOf(is)})
	}
	before, now := variables(was, is), variables(is, is)
	for _, entry := range slices.Concat(now.order, before.order) {
		if before.value[entry] == now.value[entry] || slices.ContainsFunc(all, func(d runtime.Difference) bool { return d.Name == settingName(entry) }) {
			continue
		}
		all = append(all, difference(entry, before.value[entry], now.value[entry]))
	}
	return all
}

type environment struct {
	order []string
	value map[string]string
}

// variables are those that make m what it is. In descriptions of before what was
// inherited stands among the others: what is says nothing of, was inherited.
func variables(m, is process.Member) environment {
	e := environment{value: map[string]string{}}
	sets := func(name string) bool {
		return slices.ContainsFunc(is.Env, func(entry string) bool { return nameOf(entry) == name })
	}
	for _, entry := range m.Env {
		name, value, _ := strings.Cut(entry, "=")
		if m.Inherited == nil && formerlyInherited(name) && !sets(name) {
			continue
		}
		e.order = append(e.order, name)
		e.value[name] = value
	}
	return e
}

func formerlyInherited(name string) bool {
	return isInheritable(name) || strings.HasSuffix(strings.ToUpper(name), "_PROXY")
}

// difference keeps values to itself that may be secret.
func difference(variable, was, is string) runtime.Difference {
	d := runtime.Difference{Name: settingName(variable), Was: was, Is: is}
	if d.Name == variable || strings.Contains(d.Name, "password") || strings.Contains(d.Name, "token") && !strings.HasPrefix(d.Name, "initial-") {
		d.Was, d.Is = "", ""
	}
	return d
}

// settingName is the setting that a variable stands for, or the variable.
func settingName(variable string) string {
	setting, ok := strings.CutPrefix(variable, "ETCD_")
	if !ok {
		return variable
	}
	return strings.ToLower(strings.ReplaceAll(setting, "_", "-"))
}
