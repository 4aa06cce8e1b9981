package converge

import (
	"cmp"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// After tells how the situation will look after a step, if all goes well. The
// situation itself is left as it is.
func (s Situation) After(step Step) Situation {
	f := forecast{s.clone()}
	f.Done = append(f.Done, step)
	for _, name := range f.servers(step) {
		f.server(step.Kind, name)
	}
	if f.Etcd != nil {
		f.etcd(step)
		f.elect(step)
		f.users(step)
	}
	return f.Situation
}

// forecast is a copy of a situation, to be changed.
type forecast struct{ Situation }

func (s Situation) clone() Situation {
	s.Changes, s.Done = slices.Clone(s.Changes), slices.Clone(s.Done)
	if s.Have != nil {
		have := *s.Have
		have.Servers = slices.Clone(have.Servers)
		s.Have = &have
	}
	if s.Etcd != nil {
		s.Etcd = &member.View{Members: slices.Clone(s.Etcd.Members), Endpoints: slices.Clone(s.Etcd.Endpoints)}
	}
	return s
}

// servers are those that a step is about.
func (f *forecast) servers(step Step) []string {
	if len(step.Servers) > 0 {
		return step.Servers
	}
	var list []string
	switch step.Kind {
	case Apply:
		for _, m := range f.Want.Members {
			list = append(list, m.Name)
		}
		for _, c := range f.Changes {
			if c.Kind == missing && !slices.Contains(list, c.Server) {
				list = append(list, c.Server)
			}
		}
	case Remove, Delete:
		for _, s := range f.Have.Servers {
			list = append(list, s.Name)
		}
	}
	return list
}

// server tells what a step makes of one server.
func (f *forecast) server(kind Kind, name string) {
	switch kind {
	case Apply, Join:
		f.make(name)
		f.hush(name, member.Silent)
	case Begin:
		f.edit(name, func(s *runtime.Server) { s.Status = runtime.Running })
		f.hush(name, member.Silent)
	case End:
		f.edit(name, func(s *runtime.Server) {
			s.Status = runtime.Stopped
			if s.Role == runtime.Service {
				return
			}
			if s.Data == runtime.Unknown {
				s.Data = runtime.Kept
			}
		})
		f.hush(name, member.Refused)
	case Remove:
		f.edit(name, func(s *runtime.Server) { s.Status = runtime.Absent })
		f.forget(name, func(s runtime.Server) bool { return s.Role == runtime.Service || s.Data != runtime.Kept })
	case Delete:
		f.forget(name, func(runtime.Server) bool { return true })
	case SetAside:
		f.edit(name, func(s *runtime.Server) { s.Data = runtime.None })
	}
}

// make has a server run as wanted.
func (f *forecast) make(name string) {
	s, _ := f.Have.Server(name)
	s.Name, s.Status, s.Release = name, runtime.Running, f.Want.Etcd.String()
	s.Role = runtime.Service
	for _, m := range f.Want.Members {
		if m.Name == name {
			s.Role, s.Settings, s.Data = runtime.Member, m.Settings, runtime.Kept
			if f.Want.Data == cluster.Memory {
				s.Data = runtime.Volatile
			}
		}
	}
	if f.Have == nil {
		f.Have = &runtime.State{Name: f.Want.Name}
	}
	if i := f.index(name); i >= 0 {
		f.Have.Servers[i] = s
	} else {
		f.Have.Servers = append(f.Have.Servers, s)
	}
	f.settled(name)
}

func (f *forecast) index(name string) int {
	if f.Have == nil {
		return -1
	}
	return slices.IndexFunc(f.Have.Servers, func(s runtime.Server) bool { return s.Name == name })
}

func (f *forecast) edit(name string, change func(*runtime.Server)) {
	if i := f.index(name); i >= 0 {
		change(&f.Have.Servers[i])
	}
}

func (f *forecast) forget(name string, all func(runtime.Server) bool) {
	f.Have.Servers = slices.DeleteFunc(f.Have.Servers, func(s runtime.Server) bool { return s.Name == name && all(s) })
	f.settled(name)
}

// settled drops what was to be changed of a server.
func (f *forecast) settled(name string) {
	f.Changes = slices.DeleteFunc(f.Changes, func(c runtime.Change) bool { return c.Server == name })
}

// hush lets a member answer nothing.
func (f *forecast) hush(name string, trouble member.Trouble) {
	f.answer(name, func(e *member.Endpoint) { *e = member.Endpoint{Name: e.Name, URL: e.URL, Trouble: trouble} })
}

// answer changes what a member says; nobody is made to speak that was not asked.
func (f *forecast) answer(name string, change func(*member.Endpoint)) {
	if f.Etcd == nil || name == "" {
		return
	}
	i := slices.IndexFunc(f.Etcd.Endpoints, func(e member.Endpoint) bool { return e.Name == name })
	if i < 0 {
		i = len(f.Etcd.Endpoints)
		f.Etcd.Endpoints = append(f.Etcd.Endpoints, member.Endpoint{Name: name})
	}
	change(&f.Etcd.Endpoints[i])
}

// etcd tells what a step makes of what the members say.
func (f *forecast) etcd(step Step) {
	switch step.Kind {
	case AddLearner:
		f.Etcd.Members = append(f.Etcd.Members, member.Member{ID: f.freeID(), PeerURLs: []string{f.wanted(step.Servers[0]).PeerURL()}, Learner: true})
	case Join:
		f.edits(step.Member, func(m *member.Member) {
			w := f.wanted(step.Servers[0])
			m.Name, m.ClientURLs = w.Name, []string{w.ClientURL()}
		})
		f.speak(step.Servers[0])
	case Promote:
		f.edits(step.Member, func(m *member.Member) { m.Learner = false })
		f.answer(step.Servers[0], func(e *member.Endpoint) { e.Learner, e.Read = false, member.NoLeader })
	case RemoveMember:
		f.Etcd.Members = slices.DeleteFunc(f.Etcd.Members, func(m member.Member) bool { return m.ID == step.Member })
		for _, name := range step.Servers {
			f.hush(name, member.Refused)
			f.edit(name, func(s *runtime.Server) {
				if s.Active() {
					s.Status = runtime.Ended
				}
			})
		}
	case UpdatePeers:
		f.edits(step.Member, func(m *member.Member) { m.PeerURLs = f.peerURLs(step.Servers[0]) })
	case MoveLeader:
		f.lead(f.Etcd.Endpoint(step.To).ID)
	case AwaitServing:
		f.serve(step.Servers)
	case AwaitSteady:
		f.each(func(e *member.Endpoint) { e.Applied, e.Index = 0, 0 })
	case AllowLower:
		f.each(func(e *member.Endpoint) { e.DowngradeTarget = step.To })
	case ForbidLower:
		f.each(func(e *member.Endpoint) { e.DowngradeTarget = "" })
	case AwaitStorage:
		f.each(func(e *member.Endpoint) { e.StorageVersion, e.ClusterVersion = step.To, step.To })
	case AwaitVersion:
		f.each(func(e *member.Endpoint) { e.StorageVersion, e.ClusterVersion, e.DowngradeTarget = step.To, step.To, "" })
	}
}

func (f *forecast) wanted(name string) cluster.Member {
	for _, m := range f.Want.Members {
		if m.Name == name {
			return m
		}
	}
	return cluster.Member{Name: name}
}

func (f *forecast) freeID() member.ID {
	id := member.ID(1)
	for _, m := range f.Etcd.Members {
		id = max(id, m.ID+1)
	}
	return id
}

func (f *forecast) edits(id member.ID, change func(*member.Member)) {
	for i := range f.Etcd.Members {
		if f.Etcd.Members[i].ID == id {
			change(&f.Etcd.Members[i])
		}
	}
}

// each changes what all members say that answer.
func (f *forecast) each(change func(*member.Endpoint)) {
	for i := range f.Etcd.Endpoints {
		if f.Etcd.Endpoints[i].Answers() {
			change(&f.Etcd.Endpoints[i])
		}
	}
}

// serve lets members serve; those of a cluster that nobody could ask before have
// been founded together.
func (f *forecast) serve(names []string) {
	if len(f.Etcd.Members) == 0 {
		for _, name := range names {
			s, _ := f.Have.Server(name)
			f.Etcd.Members = append(f.Etcd.Members, member.Member{
				ID: f.freeID(), Name: name, PeerURLs: []string{s.PeerURL()}, ClientURLs: []string{s.ClientURL()},
			})
		}
	}
	for _, name := range names {
		f.speak(name)
	}
}

// speak lets a member answer as the one that etcd counts under its name.
func (f *forecast) speak(name string) {
	s, _ := f.Have.Server(name)
	m, ok := f.Etcd.ByPeerURL(s.PeerURL())
	if !ok {
		m, ok = f.Etcd.Member(name)
	}
	if !ok {
		return
	}
	f.edits(m.ID, func(m *member.Member) { m.Name, m.ClientURLs = name, []string{s.ClientURL()} })
	known := f.common()
	minor, _ := minorOf(s.Release)
	f.answer(name, func(e *member.Endpoint) {
		*e = member.Endpoint{
			Name: name, URL: s.ClientURL(), Cluster: cmp.Or(known.Cluster, 1), ID: m.ID, Leader: known.Leader, Learner: m.Learner,
			Version: trimV(s.Release), ClusterVersion: cmp.Or(known.ClusterVersion, minorVersion(minor)),
			StorageVersion: cmp.Or(known.StorageVersion, minorVersion(minor)), DowngradeTarget: known.DowngradeTarget,
			Index: known.Index, Applied: known.Index,
		}
		if m.Learner {
			e.Read = member.IsLearner
		}
	})
}

func trimV(release string) string {
	if len(release) > 0 && release[0] == 'v' {
		return release[1:]
	}
	return release
}

// common is a member that answers: what it says of the cluster counts for all.
func (f *forecast) common() member.Endpoint {
	for _, e := range f.Etcd.Endpoints {
		if e.Answers() {
			return e
		}
	}
	return member.Endpoint{}
}

func (f *forecast) lead(id member.ID) {
	f.each(func(e *member.Endpoint) { e.Leader = id })
}

// elect lets one of the members lead that have a quorum, and none serve that have
// none.
func (f *forecast) elect(step Step) {
	var alive []member.Endpoint
	for _, e := range f.Etcd.Endpoints {
		if m, ok := f.Etcd.ByID(e.ID); ok && e.Answers() && !m.Learner {
			alive = append(alive, e)
		}
	}
	if len(alive) <= len(f.Etcd.Voters())/2 {
		f.each(func(e *member.Endpoint) { e.Leader, e.Read = 0, cmp.Or(e.Read, member.NoLeader) })
		return
	}
	leads := func(e member.Endpoint) bool { return e.ID == alive[0].Leader }
	if !slices.ContainsFunc(alive, leads) {
		f.lead(alive[0].ID)
	}
	if step.Kind == AwaitServing {
		f.each(func(e *member.Endpoint) {
			if e.Read == member.NoLeader {
				e.Read = ""
			}
		})
	}
}
