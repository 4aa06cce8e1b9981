//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/raft/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// history is what clients asked of registers, keys that each hold one value, and
// what they were answered: as it was, it has to be possible for one register that
// answers one request after the other.
type history struct {
	began time.Time

	mu    sync.Mutex
	ops   []porcupine.Operation
	asked []request
}

// request is how one request of a client fared.
type request struct {
	asked, answered time.Time
	write           bool
	refused         int    // attempts that etcd has not carried out, and says so
	term            uint64 // of raft, as the answer told
	err             error
}

// asks is the input of an operation: to write a value, or, where that is empty,
// to read.
type asks struct{ key, value string }

// told is its output. A write that failed may have been carried out at any time
// since, or never.
type told struct {
	value    string
	revision int64 // of the last change; 0 for a key that is not there
	term     uint64
	unknown  bool
}

// register is one key. Its revision is 0 while no answer has told it.
type register struct {
	value    string
	revision int64
}

var registers = porcupine.Model{
	Partition: byKey,
	Init:      func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		return state.(register).step(input.(asks), output.(told))
	},
}

func (r register) step(in asks, out told) (bool, register) {
	switch {
	case in.value != "" && out.unknown:
		return true, register{value: in.value}
	case in.value != "":
		return out.revision > r.revision, register{in.value, out.revision}
	}
	same := out.value == r.value && (r.revision == 0 || r.revision == out.revision)
	return same, register{r.value, out.revision}
}

func byKey(all []porcupine.Operation) [][]porcupine.Operation {
	keys := map[string][]porcupine.Operation{}
	for _, op := range all {
		key := op.Input.(asks).key
		keys[key] = append(keys[key], op)
	}
	var parts [][]porcupine.Operation
	for _, ops := range keys {
		parts = append(parts, ops)
	}
	return parts
}

// A judge that finds nothing wrong is worth nothing.
func TestAHistoryThatNoRegisterCanHaveIsFound(t *testing.T) {
	op := func(call, end int64, in asks, out told) porcupine.Operation {
		return porcupine.Operation{Input: in, Call: call, Output: out, Return: end}
	}
	write := func(call, end int64, value string, revision int64) porcupine.Operation {
		return op(call, end, asks{"a", value}, told{revision: revision})
	}
	read := func(call, end int64, value string, revision int64) porcupine.Operation {
		return op(call, end, asks{key: "a"}, told{value: value, revision: revision})
	}
	lost := op(1, endless, asks{"a", "x"}, told{unknown: true})
	for _, c := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"read what was written", []porcupine.Operation{write(1, 2, "x", 5), read(3, 4, "x", 5)}, true},
		{"nothing there yet", []porcupine.Operation{read(1, 2, "", 0), write(3, 4, "x", 5)}, true},
		{"a lost write", []porcupine.Operation{write(1, 2, "x", 5), read(3, 4, "", 0)}, false},
		{"a stale read", []porcupine.Operation{write(1, 2, "x", 5), write(3, 4, "y", 6), read(5, 6, "x", 5)}, false},
		{"a read beside a write", []porcupine.Operation{write(1, 2, "x", 5), write(3, 7, "y", 6), read(4, 5, "x", 5)}, true},
		{"back in time", []porcupine.Operation{write(1, 2, "x", 5), write(3, 4, "y", 5)}, false},
		{"written again", []porcupine.Operation{write(1, 2, "x", 5), read(3, 4, "x", 6)}, false},
		{"a failed write that came true later", []porcupine.Operation{lost, read(3, 4, "", 0), read(5, 6, "x", 7)}, true},
		{"a failed write that was undone", []porcupine.Operation{lost, read(3, 4, "x", 7), read(5, 6, "", 0)}, false},
	} {
		if got := porcupine.CheckOperations(registers, c.ops); got != c.want {
			t.Errorf("%s: possible is %v", c.name, got)
		}
	}
}

const (
	registersPrefix = "register/"
	registerKeys    = 5
	requestTimeout  = 10 * time.Second // etcd itself gives up after 7
	// endless is when a write returns of which nobody knows what became of it.
	endless = int64(1) << 62
)

// client asks for registers, one request after the other: writes if it writes,
// else linearizable reads.
func (h *history) client(ctx context.Context, c *clientv3.Client, id int, writes bool) {
	pace := time.NewTicker(2 * loadPace)
	defer pace.Stop()
	for n := id; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		in := asks{key: registersPrefix + strconv.Itoa(n%registerKeys)}
		if writes {
			in.value = fmt.Sprintf("%d-%d", id, n)
		}
		h.ask(ctx, c, id, in)
	}
}

func (h *history) ask(ctx context.Context, c *clientv3.Client, id int, in asks) {
	r, out := h.fare(ctx, c, in)
	if r.err != nil && !r.write {
		return // it says nothing
	}
	end := int64(r.answered.Sub(h.began))
	if r.err != nil {
		end = endless
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: id, Input: in, Call: int64(r.asked.Sub(h.began)), Output: out, Return: end,
	})
}

// fare asks once, and again as long as etcd says that it has not done it.
func (h *history) fare(ctx context.Context, c *clientv3.Client, in asks) (request, told) {
	// What is under way when the load ends is waited for.
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	r := request{asked: time.Now(), write: in.value != ""}
	out, err := answer(attempt, c, in)
	for ; neverDone(err) && attempt.Err() == nil; r.refused++ {
		out, err = answer(attempt, c, in)
	}
	r.answered, r.term, r.err = time.Now(), out.term, err
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r)
	return r, out
}

// pulse writes at a steady pace, whatever becomes of the writes before: that no
// write is acknowledged is then the cluster's doing, and not that all who write wait
// for an answer.
func (h *history) pulse(ctx context.Context, c *clientv3.Client) {
	var under sync.WaitGroup
	defer under.Wait()
	pace := time.NewTicker(2 * loadPace)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
			under.Go(func() { h.fare(ctx, c, asks{"pulse", "x"}) })
		}
	}
}

// neverDone tells of an error that etcd did not carry a request out, so that a
// client may ask again. A leader that hands over drops what is proposed in that
// moment, and a learner takes no request; clientv3 asks again by itself, but not
// where the learner is an etcd 3.5.
func neverDone(err error) bool {
	if err == nil {
		return false
	}
	for _, refusal := range []error{rpctypes.ErrGRPCNotSupportedForLearner, raft.ErrProposalDropped} {
		if strings.HasSuffix(err.Error(), rpctypes.ErrorDesc(refusal)) {
			return true
		}
	}
	return false
}

// handover is how far around a change of leaders its traces are found.
const handover = 2 * time.Second

// handedOver tells of a write that was asked for while another member took over,
// and that etcd gave up after its seven seconds: it drops what a follower has passed
// on to a leader that hands over in that moment. That it may be due to a leader's
// failure says only the member that leads next; a follower that has connected to the
// new leader since says that a connection may have been lost. Where the follower stops
// before its seven seconds are over, the connection ends instead.
func (h *history) handedOver(r request) bool {
	if !r.write || !gaveUp(r.err) && !cutOff(r) {
		return false
	}
	return h.termAt(r.asked.Add(-handover)) != h.termAt(r.asked.Add(handover))
}

func gaveUp(err error) bool {
	return errors.Is(err, rpctypes.ErrTimeoutDueToLeaderFail) || errors.Is(err, rpctypes.ErrTimeout) ||
		errors.Is(err, rpctypes.ErrTimeoutDueToConnectionLost)
}

// cutOff tells of a request that had waited for long when its member stopped, which
// answers first what it can.
func cutOff(r request) bool {
	return status.Code(r.err) == codes.Unavailable && r.answered.Sub(r.asked) > handover
}

// termAt is the newest term of raft that anybody was told of by then.
func (h *history) termAt(then time.Time) (term uint64) {
	for _, r := range h.asked {
		if !r.answered.After(then) {
			term = max(term, r.term)
		}
	}
	return term
}

func answer(ctx context.Context, c *clientv3.Client, in asks) (told, error) {
	if in.value != "" {
		put, err := c.Put(ctx, in.key, in.value)
		if err != nil {
			return told{unknown: true}, err
		}
		return told{revision: put.Header.Revision, term: put.Header.RaftTerm}, nil
	}
	got, err := c.Get(ctx, in.key)
	if err != nil || len(got.Kvs) == 0 {
		return told{}, err
	}
	return told{value: string(got.Kvs[0].Value), revision: got.Kvs[0].ModRevision}, nil
}

// phase is how requests fared from one time to another.
type phase struct {
	name           string
	begins, finish time.Time
	asked, failed  int
	refused, lost  int           // by a leader that hands over: see neverDone and handedOver
	gap, slowest   time.Duration // without an acknowledged write, and of one request
	floor          time.Duration // the gap of a cluster that nobody changed meanwhile
	firstError     error
}

// between judges the requests that were under way in a phase.
func (h *history) between(p phase) phase {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := p.begins
	for _, r := range h.asked { // in the order in which they were answered
		if r.answered.Before(p.begins) || r.asked.After(p.finish) {
			continue
		}
		p.asked++
		p.refused += r.refused
		p.slowest = max(p.slowest, r.answered.Sub(r.asked))
		switch {
		case h.handedOver(r):
			p.lost++
		case r.err != nil:
			p.failed++
			if p.firstError == nil {
				p.firstError = r.err
			}
		case r.write:
			p.gap = max(p.gap, r.answered.Sub(last))
			last = r.answered
		}
	}
	return p
}

func (p phase) String() string {
	return fmt.Sprintf("%-34s %7.1f s  %5d requests, %d failed, %d refused, %d lost, no write for %4d ms (%4d ms elsewhere), slowest %4d ms",
		p.name, p.finish.Sub(p.begins).Seconds(), p.asked, p.failed, p.refused, p.lost, p.gap.Milliseconds(), p.floor.Milliseconds(), p.slowest.Milliseconds())
}
