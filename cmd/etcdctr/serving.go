package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/stack"
)

// This file tells when local processes serve.

// probeEvery is the pause between two questions to a member that starts.
const probeEvery = 5 * time.Millisecond

// waitServing returns when all of these members answer a linearizable read, or
// says which does not, with its last words.
func (p *processes) waitServing(ctx context.Context, members []process.Member, timeout time.Duration) error {
	r, err := p.reach()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	all, together := errgroup.WithContext(limited) // without one the others may wait in vain
	for _, m := range members {
		all.Go(func() error { return p.untilServing(together, r, m, timeout) })
	}
	err = all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.explain(ctx, err)
}

// waitFormed is waitServing for all members, after which nobody can join any
// more by discovery.
func (p *processes) waitFormed(ctx context.Context, timeout time.Duration) error {
	if err := p.waitServing(ctx, p.stack.Members, timeout); err != nil {
		return err
	}
	if tokens, ok := ownDiscovery(p.stack); ok {
		return tokens.close(ctx)
	}
	return nil
}

func (p *processes) untilServing(ctx context.Context, r *running, is process.Member, timeout time.Duration) error {
	name := is.Name
	m, err := findMember(r.cluster, name)
	if err != nil {
		return err
	}
	for {
		err := r.askMember(ctx, m)
		if err == nil && p.listens(ctx, is) {
			return nil
		}
		if cause := p.failed(name); cause != "" {
			return p.unwell(name, cause)
		}
		select {
		case <-ctx.Done():
			return p.unwell(name, fmt.Sprintf("does not answer within %s (%v)", timeout, err))
		case <-time.After(probeEvery):
		}
	}
}

// listens tells whether it is the member that listens on its ports, all of them,
// and not somebody else who was there before it. What nobody may know is
// believed.
func (p *processes) listens(ctx context.Context, m process.Member) bool {
	s, err := p.home.State()
	i := slices.IndexFunc(s.Members, func(is process.MemberState) bool { return is.Name == m.Name })
	if err != nil || i < 0 {
		return false
	}
	seen, err := process.Listening(ctx, s.Members[i].Process.PID)
	for address := range m.Addresses {
		if err == nil && !slices.Contains(seen, address) {
			return false
		}
	}
	return true
}

// askMember reads linearizably.
func (r *running) askMember(ctx context.Context, m cluster.Member) error {
	once, cancel := context.WithTimeout(ctx, oneRead)
	defer cancel()
	return askAt(once, hostOf(localURL(m)), localURL(m), r.tls, linearizableRead(once))
}

// oneRead is how long a member may think about one read: one that has no leader
// yet would think for ever.
const oneRead = time.Second

// failed says what is wrong with a member that cannot come to serve by itself;
// empty as long as it can.
func (p *processes) failed(name string) string {
	s, err := p.home.State()
	if err != nil || !s.Running {
		return "is not running any more"
	}
	for _, m := range s.Members {
		if m.Name == name && m.Status != process.Running {
			return fmt.Sprintf("ended (%s)", m.LastExit)
		}
	}
	return ""
}

// unwell puts a member's last lines to what is wrong with it.
func (p *processes) unwell(name, cause string) error {
	lines, err := p.lastLines(context.Background(), name)
	return errors.Join(&stack.UnwellError{Container: name, Service: name, What: cause, Log: lines}, err)
}

// healthy is Docker's word for a container that passes its health check.
const healthy = "healthy"

// serving says how each member is, in Docker's words for a health check.
func (p *processes) serving(ctx context.Context) map[string]string {
	words := map[string]string{}
	r, err := p.reach()
	if err != nil {
		return words
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, m := range r.cluster.Members {
		all.Go(func() {
			word := healthy
			if r.askMember(ctx, m) != nil {
				word = "unhealthy"
			}
			mu.Lock()
			defer mu.Unlock()
			words[m.Name] = word
		})
	}
	all.Wait()
	return words
}

// proveListening compares what the members' processes listen on with what they
// are meant to.
func (p *processes) proveListening(ctx context.Context) ([]proof, error) {
	s, err := p.home.State()
	if err != nil {
		return nil, err
	}
	var proofs []proof
	for i, m := range s.Members {
		var promised []string
		for address := range p.stack.Members[i].Addresses {
			promised = append(promised, address)
		}
		seen, err := process.Listening(ctx, m.Process.PID)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, prove(m.Name, "listens on", orNone(promised), orNone(seen)))
	}
	return proofs, nil
}
