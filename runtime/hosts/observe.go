package hosts

import (
	"context"
	"maps"
	"net/url"
	"os"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Observe tells of the members that answer, that etcd counts, and that archives were
// handed over for.
func (r *Runtime) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if name != r.o.Spec.ClusterName() {
		return nil, &runtime.NotFoundError{Name: name}
	}
	described, err := r.described()
	if err != nil {
		return nil, err
	}
	known, err := r.read()
	if err != nil {
		return nil, err
	}
	for server, is := range known {
		described[server] = is
	}
	view, err := r.ask(ctx, described)
	if err != nil {
		return nil, err
	}
	s := &runtime.State{Name: name, Runtime: Name, Folder: r.packedIn(name, described)}
	for _, server := range slices.Sorted(maps.Keys(described)) {
		_, noted := known[server]
		if one, ok := r.server(server, described[server], view, noted); ok {
			s.Servers = append(s.Servers, one)
		}
	}
	if len(s.Servers) == 0 {
		return nil, &runtime.NotFoundError{Name: name}
	}
	return s, nil
}

// packedIn is the folder that the cluster was described in when its archives were packed, or
// its machines handed over: this one, or none. Who only describes the machines of others
// has not started what runs there.
func (r *Runtime) packedIn(name string, members map[string]handed) string {
	files := []string{r.noteFile()}
	for member := range members {
		files = append(files, r.Archive(name, member))
	}
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			return r.o.Folder
		}
	}
	return ""
}

// described are the members as the description has them.
func (r *Runtime) described() (map[string]handed, error) {
	c, err := cluster.Resolve(r.o.Spec.Tokened(), cluster.InContainers)
	if err != nil {
		return nil, err
	}
	all := map[string]handed{}
	for _, m := range c.Members {
		all[m.Name] = handed{Settings: m.Settings, Host: m.Host.String()}
	}
	return all, nil
}

// ask asks all members that are known, and those that they know of, which are added
// to known.
func (r *Runtime) ask(ctx context.Context, known map[string]handed) (member.View, error) {
	view, err := r.look(ctx, known)
	if err != nil {
		return view, err
	}
	more := false
	for _, m := range view.Members {
		if _, ok := known[m.Name]; ok || m.Name == "" || len(m.ClientURLs) == 0 {
			continue
		}
		u, err := url.Parse(m.ClientURLs[0])
		if err != nil {
			continue
		}
		more = true
		known[m.Name] = handed{Host: u.Hostname(), Settings: cluster.Settings{
			{Name: "advertise-client-urls", Value: m.ClientURLs[0]},
			{Name: "initial-advertise-peer-urls", Value: first(m.PeerURLs)},
		}}
	}
	if !more {
		return view, nil
	}
	return r.look(ctx, known)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (r *Runtime) look(ctx context.Context, known map[string]handed) (member.View, error) {
	urls, mode := map[string]string{}, cluster.NoTLS
	for name, is := range known {
		s := runtime.Server{Settings: is.Settings}
		urls[name] = s.ClientURL()
		if mode == cluster.NoTLS {
			mode = s.TLS()
		}
	}
	config, err := r.o.TLS(mode)
	if err != nil {
		return member.View{}, err
	}
	client, err := member.New(member.Config{URLs: urls, TLS: config, Dial: r.o.Dial, Patience: member.Patience{Question: oneQuestion}})
	if err != nil {
		return member.View{}, err
	}
	defer client.Close()
	return client.Look(ctx)
}

// server tells of one; false if it has never been there, as far as anybody knows.
func (r *Runtime) server(name string, is handed, view member.View, noted bool) (runtime.Server, bool) {
	s := runtime.Server{Name: name, Role: runtime.Member, Settings: is.Settings, Host: is.Host, Status: runtime.Running, Data: runtime.Kept}
	e := view.Endpoint(name)
	switch {
	case e.Answers():
		s.Release, s.Detail = "v"+e.Version, "answers"
	case e.Trouble == member.Refused, e.Trouble == member.Unreachable:
		_, counted := view.Member(name)
		if !noted && !counted {
			return s, false
		}
		s.Status, s.Detail, s.Data = runtime.Stopped, "nobody answers there: "+e.Details, runtime.Unknown
	default:
		s.Detail, s.Data = e.Details, runtime.Unknown
	}
	if r.emptied[name] {
		s.Data = runtime.None
	}
	return s, true
}

// Data can't be looked at: a server that is there may have some, unless somebody was
// asked to put it away.
func (r *Runtime) Data(_ context.Context, _, server string) (runtime.Data, error) {
	if r.emptied[server] {
		return runtime.None, nil
	}
	return runtime.Kept, nil
}
