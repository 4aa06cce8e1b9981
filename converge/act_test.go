package converge_test

import (
	"fmt"

	"github.com/etcdctr/etcdctr/converge"
)

// do carries a step out in the world, as runtimes and etcd do. It tells what the
// step must never do, and false if it fails.
func (w *world) do(step converge.Step, minor int8, data bool) (ok bool, wrong string) {
	defer w.settle()
	switch step.Kind {
	case converge.Prepare, converge.CompareHashes:
	case converge.Apply:
		return w.apply(step.Servers, minor)
	case converge.Begin:
		for _, s := range step.Servers {
			w.nodes[slotOf(s)].blind = false // it is given what is there now
			if wrong := w.start(slotOf(s)); wrong != "" {
				return false, wrong
			}
		}
	case converge.End:
		for _, s := range step.Servers {
			w.end(slotOf(s))
		}
	case converge.Remove, converge.Delete:
		return w.remove(step, data)
	case converge.SetAside:
		return w.setAside(slotOf(step.Servers[0]))
	default:
		return w.ask(step, minor)
	}
	return true, ""
}

func (w *world) apply(servers []string, minor int8) (ok bool, wrong string) {
	if len(servers) == 0 {
		for i := range int(w.want) {
			servers = append(servers, name(i))
		}
	}
	for _, s := range servers {
		i := slotOf(s)
		n := &w.nodes[i]
		if w.memory {
			n.data = 0
		}
		if n.data == 0 {
			n.told = w.want
		}
		n.old, n.blind, n.minor, n.ill = false, false, minor, false
	}
	for _, s := range servers {
		if wrong := w.start(slotOf(s)); wrong != "" {
			return false, wrong
		}
	}
	return true, ""
}

// start starts a server with what it has. One without data becomes a founder of
// a new cluster, where none is there.
func (w *world) start(slot int) (wrong string) {
	n := &w.nodes[slot]
	n.status = runs
	if n.data != 0 {
		if w.seatOf(n.data) == nil {
			n.status = ended
		}
		return w.fits(slot)
	}
	s := w.seatAt(slot)
	switch {
	case s == nil && w.voters() > 0:
		return name(slot) + " is started empty beside a cluster that does not count it"
	case s == nil:
		w.found(max(n.told, int8(slot)+1))
		s = w.seatAt(slot)
	case s.published:
		return name(slot) + " is started empty in its old identity"
	}
	n.data = s.id
	return ""
}

// fits tells whether a release can start on its data and beside the others.
func (w *world) fits(slot int) (wrong string) {
	n := &w.nodes[slot]
	if w.agreed == 0 || n.status != runs {
		return ""
	}
	lowest := w.agreed
	if w.target != 0 {
		lowest = w.target
	}
	if n.minor < lowest || n.minor > w.agreed+1 {
		n.status = failing
		if !w.quorum() {
			return "" // nobody could be asked beforehand
		}
		return fmt.Sprintf("%s is started as 3.%d in a cluster of 3.%d", name(slot), n.minor, w.agreed)
	}
	return ""
}

func (w *world) found(founders int8) {
	for i := range int(founders) {
		w.next++
		w.seats[i] = seat{id: w.next, slot: int8(i), voter: true}
	}
}

func (w *world) end(slot int) {
	n := &w.nodes[slot]
	if n.status == gone || n.status == created {
		return
	}
	n.status = stopped
	if w.memory {
		n.data = 0
	}
}

func (w *world) remove(step converge.Step, data bool) (ok bool, wrong string) {
	servers := step.Servers
	if len(servers) == 0 {
		for i := range w.nodes {
			servers = append(servers, name(i))
		}
	}
	for _, s := range servers {
		n := &w.nodes[slotOf(s)]
		if n.status == runs {
			return false, s + " is removed while it runs"
		}
		n.status = gone
		if step.Kind == converge.Delete {
			if !data {
				return false, "the data of " + s + " is deleted, and nobody named it"
			}
			n.data = 0
		}
	}
	return true, ""
}

// holders are the servers that have data of members with a vote.
func (w *world) holders() int {
	n := 0
	for _, x := range w.nodes {
		if s := w.seatOf(x.data); s != nil && s.voter {
			n++
		}
	}
	return n
}

func (w *world) setAside(slot int) (ok bool, wrong string) {
	n := &w.nodes[slot]
	if n.status == runs {
		return false, name(slot) + " is started empty while it runs"
	}
	before := w.holders()
	n.data = 0
	w.aside++
	if after := w.holders(); after < before && after <= w.voters()/2 {
		return false, "a copy of the data is put away that the quorum needs"
	}
	return true, ""
}

// ask does what a step asks of etcd.
func (w *world) ask(step converge.Step, minor int8) (ok bool, wrong string) {
	if step.Kind == converge.AwaitServing {
		for _, s := range step.Servers {
			i := slotOf(s)
			if !w.quorum() || !w.alive(i) || w.nodes[i].blind || !w.seatOf(w.nodes[i].data).voter {
				return false, ""
			}
		}
		return true, ""
	}
	if !w.quorum() {
		return false, string(step.Kind) + " is asked of a cluster without a quorum"
	}
	switch step.Kind {
	case converge.AddLearner, converge.RemoveMember, converge.Promote:
		return w.changeMembers(step)
	case converge.Join:
		return w.join(step, minor)
	case converge.MoveLeader:
		i := slotOf(step.To)
		if !w.alive(i) || !w.seatOf(w.nodes[i].data).voter {
			return false, step.To + " is to lead and does not serve"
		}
		w.leader = w.nodes[i].data
	default:
		return w.agree(step)
	}
	return true, ""
}

func (w *world) changeMembers(step converge.Step) (ok bool, wrong string) {
	s := w.seatOf(int8(step.Member))
	switch {
	case step.Kind == converge.AddLearner:
		return w.addLearner(slotOf(step.Servers[0]))
	case step.Kind == converge.RemoveMember && s == nil:
		return false, "a member is removed that is none"
	case step.Kind == converge.RemoveMember:
		return w.removeMember(s)
	case s == nil || !w.aliveID(s.id):
		return false, "" // it is not alive: etcd's answer is not to be trusted
	}
	s.voter = true
	return true, ""
}

func (w *world) addLearner(slot int) (ok bool, wrong string) {
	for _, s := range w.seats {
		if s.id != 0 && (!s.voter || !w.aliveID(s.id)) {
			return false, "a member is added while " + name(int(s.slot)) + " is no voter that serves"
		}
	}
	if w.nodes[slot].data != 0 {
		return false, "a member is added that has data"
	}
	for i := range w.seats {
		if w.seats[i].id == 0 {
			w.next++
			w.seats[i] = seat{id: w.next, slot: int8(slot)}
			return true, ""
		}
	}
	return false, "more members are added than are wanted"
}

func (w *world) removeMember(s *seat) (ok bool, wrong string) {
	if s.id == w.leader && w.voters() > 1 {
		return false, "the leader is removed before another one leads"
	}
	for i := range w.nodes {
		if w.nodes[i].data == s.id && w.nodes[i].status == runs {
			w.nodes[i].status = failing
		}
	}
	*s = seat{}
	return true, ""
}

func (w *world) aliveID(id int8) bool {
	for i := range w.nodes {
		if w.nodes[i].data == id && w.alive(i) {
			return true
		}
	}
	return false
}

func (w *world) join(step converge.Step, minor int8) (ok bool, wrong string) {
	i := slotOf(step.Servers[0])
	n, s := &w.nodes[i], w.seatAt(i)
	if s == nil || s.published || n.data != 0 {
		return false, name(i) + " joins and is not a new member without data"
	}
	*n = node{status: runs, data: s.id, minor: minor, told: w.want, ill: n.ill}
	return true, w.fits(i)
}

// agree does what a step asks about versions.
func (w *world) agree(step converge.Step) (ok bool, wrong string) {
	low, minor := w.lowest(), int8(0)
	if len(step.To) > 2 {
		minor = int8(step.To[2] - '0')
	}
	switch step.Kind {
	case converge.AwaitVersion:
		if low == w.agreed+1 || w.target != 0 && low == w.target {
			w.agreed, w.target, w.stored = low, 0, low
		}
		return w.agreed == minor && w.target == 0, ""
	case converge.AllowLower:
		if minor != w.agreed-1 {
			return false, "a downgrade is enabled that etcd refuses"
		}
		w.target = minor
	case converge.ForbidLower:
		w.target, w.stored = 0, w.agreed
	case converge.AwaitStorage:
		if w.target == minor {
			w.stored = minor
		}
		return w.stored == minor, ""
	case converge.AwaitSteady, converge.UpdatePeers, converge.RefreshStore:
	default:
		return false, "nobody knows how to " + string(step.Kind)
	}
	return true, ""
}
