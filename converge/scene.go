package converge

import (
	"cmp"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// scene is a situation, with what is wanted, what the runtime has and what etcd
// counts put together by member.
type scene struct {
	Situation
	view   member.View // empty where nobody could be asked
	quorum bool
	leader member.ID // that all agree on, else zero
	all    []*part   // in the order of the description, then the others by name
}

// part is all that is known of one member, or would-be member.
type part struct {
	name string // empty for one that only etcd knows, and that has never started

	wanted bool
	spec   cluster.Member

	there  bool
	server runtime.Server
	change *runtime.Change

	// counted says that etcd counts it as a member, by its quorum.
	counted bool
	member  member.Member
	end     member.Endpoint
}

// look puts a situation together.
func look(s Situation) *scene {
	c := &scene{Situation: s}
	if s.Etcd != nil {
		c.view = *s.Etcd
		c.quorum = c.view.Quorum()
		leader, _ := c.view.Leader()
		c.leader = leader.ID
	}
	if s.Want != nil {
		for _, m := range s.Want.Members {
			p := c.part(m.Name)
			p.wanted, p.spec = !s.Asked.Verb.leaves(), m
		}
	}
	for _, m := range s.Have.Members() {
		p := c.part(m.Name)
		p.there, p.server = true, m
		p.wanted = p.wanted || s.Asked.Verb.leaves()
	}
	for i, change := range s.Changes {
		if c.isMember(change.Server) {
			c.part(change.Server).change = &s.Changes[i]
		}
	}
	for _, p := range c.all {
		p.end = c.view.Endpoint(p.name)
	}
	if c.quorum {
		c.count()
	}
	c.sort()
	return c
}

// leaves tells whether a verb leaves who the members are as it is.
func (v Verb) leaves() bool { return v == Start || v == Restart || v == Stop || v == Down }

func (c *scene) isMember(name string) bool {
	return slices.ContainsFunc(c.all, func(p *part) bool { return p.name == name })
}

func (c *scene) part(name string) *part {
	for _, p := range c.all {
		if p.name == name {
			return p
		}
	}
	c.all = append(c.all, &part{name: name})
	return c.all[len(c.all)-1]
}

// count finds the part of each member that etcd counts: by its name, by who
// answers as it, or by its peer URL. Whoever is left is known to etcd only.
// While a member moves to another machine, etcd counts two of one name.
func (c *scene) count() {
	left := slices.Clone(c.view.Members)
	for _, is := range []func(*part, member.Member) bool{
		func(p *part, m member.Member) bool { return p.end.Answers() && p.end.ID == m.ID },
		func(p *part, m member.Member) bool { return m.Name != "" && p.calledAndAt(m) },
		func(p *part, m member.Member) bool { return m.Name != "" && p.name == m.Name },
		func(p *part, m member.Member) bool {
			return m.Name == "" && p.wanted && slices.Contains(m.PeerURLs, p.spec.PeerURL())
		},
		func(p *part, m member.Member) bool {
			return m.Name == "" && p.there && slices.Contains(m.PeerURLs, p.server.PeerURL())
		},
	} {
		left = slices.DeleteFunc(left, func(m member.Member) bool { return c.countAs(m, is) })
	}
	for _, m := range left {
		p := &part{name: m.Name, counted: true, member: m}
		if e := c.view.Endpoint(m.Name); !e.Answers() {
			p.end = e
		}
		c.all = append(c.all, p)
	}
}

// countAs finds the part of a member, if it has one that no other member has.
func (c *scene) countAs(m member.Member, is func(*part, member.Member) bool) bool {
	i := slices.IndexFunc(c.all, func(p *part) bool { return !p.counted && is(p, m) })
	if i < 0 {
		return false
	}
	c.all[i].counted, c.all[i].member = true, m
	return true
}

// calledAndAt tells whether a server was started under a member's name, at its URL.
func (p *part) calledAndAt(m member.Member) bool {
	return p.there && p.server.Settings.Get("name") == m.Name && slices.Contains(m.PeerURLs, p.server.PeerURL())
}

func (c *scene) sort() {
	slices.SortStableFunc(c.all, func(a, b *part) int {
		return cmp.Or(-cmp.Compare(b2i(a.wanted), b2i(b.wanted)), cmp.Compare(c.place(a), c.place(b)),
			cmp.Compare(a.name, b.name), cmp.Compare(a.member.ID, b.member.ID))
	})
}

// place is a member's in the description.
func (c *scene) place(p *part) int {
	if c.Want == nil {
		return 0
	}
	return slices.IndexFunc(c.Want.Members, func(m cluster.Member) bool { return m.Name == p.name })
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// those gives the parts of which all is true.
func (c *scene) those(is ...func(*part) bool) []*part {
	return slices.DeleteFunc(slices.Clone(c.all), func(p *part) bool {
		return slices.ContainsFunc(is, func(f func(*part) bool) bool { return !f(p) })
	})
}

func not(is func(*part) bool) func(*part) bool { return func(p *part) bool { return !is(p) } }

func names(parts []*part) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.name
	}
	return list
}

// String names the part for people.
func (p *part) String() string {
	if p.name != "" {
		return p.name
	}
	if len(p.member.PeerURLs) > 0 {
		return "the member at " + p.member.PeerURLs[0]
	}
	return p.member.String()
}

func (p *part) isWanted() bool  { return p.wanted }
func (p *part) isThere() bool   { return p.there }
func (p *part) isCounted() bool { return p.counted }
func (p *part) isVoter() bool   { return p.counted && !p.member.Learner }
func (p *part) isLearner() bool { return p.counted && p.member.Learner }
func (p *part) isFormer() bool  { return p.there && p.server.Former }

// runs: its process lives, and is not frozen.
func (p *part) runs() bool { return p.there && p.server.Status == runtime.Running }

// busy: the runtime keeps its process up, or tries to.
func (p *part) busy() bool {
	return p.there && p.server.Active()
}

func (p *part) serves() bool { return p.end.Serves() }

// away: its machine does not answer.
func (p *part) away() bool { return p.there && p.server.Status == runtime.Away }

// published tells whether it has ever run as the member that etcd counts: then
// etcd knows where its clients reach it. A member of a new cluster has its name
// before.
func (p *part) published() bool { return len(p.member.ClientURLs) > 0 }

// holds tells whether it has, or may have, data.
func (p *part) holds() bool {
	switch {
	case !p.there, p.server.Data == runtime.None:
		return false
	case p.server.Data == runtime.Volatile:
		return p.runs() || p.server.Status == runtime.Paused
	}
	return true
}

// forgets tells whether a member that is stopped and made anew has lost its
// data.
func (c *scene) forgets(p *part) bool {
	return p.server.Data == runtime.Volatile || p.change != nil && p.change.Anew || c.Want != nil && p.wanted && c.Want.Data == cluster.Memory
}

// differs: it runs, or would start, otherwise than is wanted.
func (p *part) differs() bool { return p.change != nil && p.change.Kind == runtime.Replace }

// blind: it does not see its certificates any more.
func (p *part) blind() bool {
	return p.differs() && slices.ContainsFunc(p.change.Differences, func(d runtime.Difference) bool {
		return d.Name == runtime.Certificates
	})
}

// unclear tells that it may serve others although it does not answer this
// program, which is not let in or finds no way.
func (p *part) unclear() bool {
	if !p.runs() || p.serves() || p.blind() || p.server.Off != "" { // whom nobody finds on its network serves nobody
		return false
	}
	hidden := func(t member.Trouble) bool {
		return t == member.Untrusted || t == member.Unreachable || t == member.Denied
	}
	return hidden(p.end.Trouble) || hidden(p.end.Read)
}

// leads tells whether all that answer agree that it leads.
func (c *scene) leads(p *part) bool {
	return c.leader != 0 && p.counted && p.member.ID == c.leader
}

// servingBut counts the voters that serve, without one.
func (c *scene) servingBut(p *part) int {
	return len(c.those((*part).isVoter, (*part).serves, func(o *part) bool { return o != p }))
}

func (c *scene) voters() int { return len(c.those((*part).isVoter)) }

// canStop tells whether the quorum stays while a member is stopped.
func (c *scene) canStop(p *part) bool { return c.quorum && c.servingBut(p) > c.voters()/2 }

// canRemove tells whether the members that remain have a quorum of their own.
func (c *scene) canRemove(p *part) bool {
	voters := c.voters()
	if p.isVoter() {
		voters--
	}
	return c.quorum && voters > 0 && c.servingBut(p) > voters/2
}

// done tells whether this run has done a step of some kind to a server.
func (c *scene) done(server string, kinds ...Kind) bool {
	return slices.ContainsFunc(c.Done, func(s Step) bool { return slices.Contains(kinds, s.Kind) && s.concerns(server) })
}

// concerns tells whether a step is about a server; about all if it names none.
func (s Step) concerns(server string) bool {
	return len(s.Servers) == 0 || slices.Contains(s.Servers, server)
}

// started tells whether the last thing that this run did with a server's
// process was to start it.
func (c *scene) started(server string) bool { return c.last(server) == Begin }

// ended tells whether it was to stop it.
func (c *scene) ended(server string) bool { return c.last(server) == End }

// last is Begin if this run started a server last, End if it stopped it, or
// empty.
func (c *scene) last(server string) Kind {
	for _, s := range slices.Backward(c.Done) {
		if !s.concerns(server) {
			continue
		}
		switch s.Kind {
		case Apply, Begin, Join:
			return Begin
		case End, Remove, Delete, RemoveMember, SetAside: // one that is removed ends by itself
			return End
		}
	}
	return ""
}

// services are the servers that are no members, with what is to become of them.
func (c *scene) services() []*part {
	var list []*part
	add := func(name string) *part {
		for _, p := range list {
			if p.name == name {
				return p
			}
		}
		list = append(list, &part{name: name})
		return list[len(list)-1]
	}
	if c.Have != nil {
		for _, s := range c.Have.Servers {
			if s.Role == runtime.Service {
				p := add(s.Name)
				p.there, p.server = true, s
			}
		}
	}
	for i, change := range c.Changes {
		if !c.isMember(change.Server) {
			add(change.Server).change = &c.Changes[i]
		}
	}
	return list
}
