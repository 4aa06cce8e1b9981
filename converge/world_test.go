package converge_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// world is a cluster as it really is, small enough to be a key of a map. It knows
// what no Situation tells: whose data a server has, and whether a member that
// does not serve ever will.
type world struct {
	nodes  [most]node
	seats  [most + 2]seat // as etcd counts, where somebody does
	leader int8           // an identity
	next   int8
	// The cluster's version and the version of its data, and the one that a
	// downgrade was enabled to, as minors.
	agreed, stored, target int8
	memory                 bool
	want                   int8 // how many members
	minor                  int8 // that is wanted
	aside                  int8 // how often data was put aside
	founders               int  // of how many its members were told
}

const most = 5

// node is one server.
type node struct {
	status status
	data   int8 // the identity that it has the data of; 0 for none
	minor  int8
	old    bool // it runs otherwise than is wanted
	blind  bool // it sees no certificates any more
	ill    bool // it will not serve before it is applied anew
	told   int8 // of how many founders it was told
}

// seat is one member as etcd counts it.
type seat struct {
	id        int8
	slot      int8 // which server has its name and its peer URL
	voter     bool
	published bool
}

type status int8

const (
	gone status = iota
	created
	runs
	stopped
	ended   // by itself
	failing // starts again and again
)

func name(slot int) string { return "etcd" + string(rune('1'+slot)) }

func slotOf(name string) int { return int(name[4] - '1') }

func (w *world) seatOf(id int8) *seat {
	for i := range w.seats {
		if id != 0 && w.seats[i].id == id {
			return &w.seats[i]
		}
	}
	return nil
}

func (w *world) seatAt(slot int) *seat {
	for i := range w.seats {
		if w.seats[i].id != 0 && int(w.seats[i].slot) == slot {
			return &w.seats[i]
		}
	}
	return nil
}

func (w *world) voters() int {
	n := 0
	for _, s := range w.seats {
		if s.id != 0 && s.voter {
			n++
		}
	}
	return n
}

// alive: the server runs as the member that its data is of.
func (w *world) alive(slot int) bool {
	n := w.nodes[slot]
	return n.status == runs && !n.ill && w.seatOf(n.data) != nil
}

func (w *world) aliveVoters() int {
	n := 0
	for i := range w.nodes {
		if w.alive(i) && w.seatOf(w.nodes[i].data).voter {
			n++
		}
	}
	return n
}

func (w *world) quorum() bool { return w.voters() > 0 && w.aliveVoters() > w.voters()/2 }

// settle does what members do by themselves.
func (w *world) settle() {
	for i := range w.nodes {
		if w.memory && w.nodes[i].status != runs {
			w.nodes[i].data = 0
		}
	}
	if !slices.ContainsFunc(w.nodes[:], func(n node) bool { return w.seatOf(n.data) != nil }) {
		w.vanish() // nobody remembers it
	}
	if !w.quorum() {
		w.leader = 0
		return
	}
	led := false
	for i := range w.nodes {
		if w.alive(i) {
			s := w.seatOf(w.nodes[i].data)
			s.published = true
			led = led || s.id == w.leader && s.voter
		}
	}
	for i := range w.nodes {
		if !led && w.alive(i) && w.seatOf(w.nodes[i].data).voter {
			w.leader, led = w.nodes[i].data, true
		}
	}
	if w.agreed == 0 {
		w.agreed, w.stored = w.lowest(), w.lowest()
	}
}

func (w *world) vanish() {
	w.seats, w.leader, w.agreed, w.stored, w.target = [most + 2]seat{}, 0, 0, 0, 0
}

// String shows the world for people.
func (w world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "want %d of 3.%d, have 3.%d stored 3.%d lowering to %d, memory %t, leader %d", w.want, w.minor, w.agreed, w.stored, w.target, w.memory, w.leader)
	for i, n := range w.nodes {
		if n != (node{}) {
			fmt.Fprintf(&b, "\n  %s %s data %d 3.%d old %t blind %t ill %t told %d", name(i), w.server(i).Status, n.data, n.minor, n.old, n.blind, n.ill, n.told)
		}
	}
	for _, s := range w.seats {
		if s.id != 0 {
			fmt.Fprintf(&b, "\n  counts %d at %s voter %t published %t", s.id, name(int(s.slot)), s.voter, s.published)
		}
	}
	return b.String()
}

func (w *world) lowest() int8 {
	low := int8(9)
	for i, n := range w.nodes {
		if w.alive(i) {
			low = min(low, n.minor)
		}
	}
	return low
}

// key is the world with its identities in the order of their places, so that
// worlds that differ only in them are one.
func (w world) key() world {
	renamed := map[int8]int8{0: 0}
	rename := func(id int8) int8 {
		if _, ok := renamed[id]; !ok {
			renamed[id] = int8(len(renamed))
		}
		return renamed[id]
	}
	slices.SortFunc(w.seats[:], func(a, b seat) int {
		if a.id == 0 || b.id == 0 {
			return int(b.id) - int(a.id)
		}
		return int(a.slot) - int(b.slot)
	})
	for i := range w.seats {
		w.seats[i].id = rename(w.seats[i].id)
	}
	for i := range w.nodes {
		w.nodes[i].data = rename(w.nodes[i].data)
	}
	w.leader, w.next, w.aside = rename(w.leader), int8(len(renamed)), 0
	return w
}

// settings are a server's, by its slot and the number of its founders.
var settings = func() (all [most][most + 1]cluster.Settings) {
	for slot := range most {
		for founders := range most + 1 {
			s := cluster.Settings{
				{Name: "name", Value: name(slot)},
				{Name: "advertise-client-urls", Value: "http://" + name(slot) + ":2379"},
				{Name: "initial-advertise-peer-urls", Value: peerURL(slot)},
			}
			var list []string
			for i := range founders {
				list = append(list, name(i)+"="+peerURL(i))
			}
			all[slot][founders] = append(s, cluster.Setting{Name: "initial-cluster", Value: strings.Join(list, ",")})
		}
	}
	return all
}()

func peerURL(slot int) string { return "http://" + name(slot) + ":2380" }

func release(minor int8) cluster.Version { return cluster.KnownPatches[int(minor)] }

func (w *world) description(etcd cluster.Version) *cluster.Cluster {
	c := &cluster.Cluster{Name: "sim", Etcd: etcd, TLS: cluster.NoTLS, Data: cluster.Volume}
	if w.memory {
		c.Data = cluster.Memory
	}
	for i := range int(w.want) {
		c.Members = append(c.Members, cluster.Member{Name: name(i), Settings: settings[i][w.want]})
	}
	return c
}

// situation is what can be seen of the world.
func (w *world) situation(asked converge.Asked, done []converge.Step) converge.Situation {
	s := converge.Situation{Want: w.description(release(w.minor)), Asked: asked, Done: done, Etcd: new(member.View)}
	have := &runtime.State{Name: "sim"}
	for i, n := range w.nodes {
		if n.status != gone || n.data != 0 {
			have.Servers = append(have.Servers, w.server(i))
		}
		s.Etcd.Endpoints = append(s.Etcd.Endpoints, w.endpoint(i))
	}
	if len(have.Servers) > 0 {
		s.Have = have
	}
	if w.quorum() {
		for _, x := range w.seats {
			if x.id != 0 {
				s.Etcd.Members = append(s.Etcd.Members, x.member())
			}
		}
	}
	route, err := converge.Route(s, release(w.minor))
	if err != nil {
		panic(err) // all releases of a world have ways between them
	}
	s.Want = w.description(route[0])
	for _, further := range route[1:] {
		s.Then = append(s.Then, w.description(further))
	}
	for i := range w.nodes {
		if change, ok := w.change(i, i < int(w.want), int8(route[0].Minor)); ok {
			s.Changes = append(s.Changes, change)
		}
	}
	return s
}

func (x seat) member() member.Member {
	m := member.Member{ID: member.ID(x.id), PeerURLs: []string{peerURL(int(x.slot))}, Learner: !x.voter}
	if x.published {
		m.Name, m.ClientURLs = name(int(x.slot)), []string{"http://" + name(int(x.slot)) + ":2379"}
	}
	return m
}

func (w *world) server(slot int) runtime.Server {
	n := w.nodes[slot]
	s := runtime.Server{Name: name(slot), Role: runtime.Member, Data: runtime.None, Settings: settings[slot][n.told]}
	if n.data != 0 {
		s.Data = runtime.Kept
	}
	if w.memory {
		s.Data = runtime.Volatile
	}
	if n.status != gone {
		s.Release = trims[n.minor]
	}
	s.Status = statuses[n.status]
	return s
}

var statuses = [...]runtime.Status{
	gone: runtime.Absent, created: runtime.Created, runs: runtime.Running,
	stopped: runtime.Stopped, ended: runtime.Ended, failing: runtime.Restarting,
}

func (w *world) change(slot int, wanted bool, minor int8) (runtime.Change, bool) {
	n := w.nodes[slot]
	change := runtime.Change{Server: name(slot)}
	switch {
	case !wanted && (n.status != gone || n.data != 0):
		change.Kind = runtime.Leave
	case wanted && n.status == gone:
		change.Kind = runtime.Missing
	case wanted && (n.old || n.blind || n.minor != minor):
		change.Kind = runtime.Replace
		if n.blind {
			change.Differences = append(change.Differences, runtime.Difference{Name: runtime.Certificates})
		}
	default:
		return change, false
	}
	return change, true
}

func (w *world) endpoint(slot int) member.Endpoint {
	n := w.nodes[slot]
	e := member.Endpoint{Name: name(slot)}
	switch {
	case n.status != runs:
		e.Trouble = member.Refused
	case n.blind:
		e.Trouble = member.Untrusted
	case !w.alive(slot), !w.quorum():
		e.Trouble = member.Silent
	default:
		e.Cluster, e.ID, e.Leader = 1, member.ID(n.data), member.ID(w.leader)
		e.Version, e.ClusterVersion = trims[n.minor], minors[w.agreed]
		e.StorageVersion = minors[w.stored]
		e.DowngradeTarget = minors[w.target]
		if !w.seatOf(n.data).voter {
			e.Learner, e.Read = true, member.IsLearner
		}
	}
	return e
}

// The versions of etcd as it tells them, by minor.
var trims, minors = versionsOfEtcd()

func versionsOfEtcd() (releases, agreed map[int8]string) {
	releases, agreed = map[int8]string{}, map[int8]string{0: ""}
	for minor, tested := range cluster.KnownPatches {
		releases[int8(minor)] = strings.TrimPrefix(tested.String(), "v")
		agreed[int8(minor)] = fmt.Sprintf("3.%d.0", minor)
	}
	return releases, agreed
}
