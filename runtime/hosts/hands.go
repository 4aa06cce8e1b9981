package hosts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file says what is to be done on the machines, and waits until it is seen.

const (
	// oneQuestion is how long a member may take to answer.
	oneQuestion = 2 * time.Second
	// glance is how often a machine is looked at while somebody works on it.
	glance = 250 * time.Millisecond
	// usualReminder is how often it is said that somebody is still waited for.
	usualReminder = 30 * time.Second
)

// Apply writes the archives of servers, and waits until each of them listens.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	var members []cluster.Member
	for _, m := range want.Members {
		if len(servers) == 0 || slices.Contains(servers, m.Name) {
			members = append(members, m)
		}
	}
	digests := map[string]string{}
	for _, m := range members {
		archive, err := r.o.Pack(ctx, want, m.Name)
		if err == nil {
			err = outfile.Write(r.Archive(want.Name, m.Name), archive, 0o600)
		}
		if err != nil {
			return fmt.Errorf("cannot write what %s runs: %w", m.Name, err)
		}
		digests[m.Name] = digest(archive)
	}
	for _, m := range members {
		unit := cluster.UnitName(want.Name, m.Name)
		r.tell(m.Name, fmt.Sprintf("%s, and there: tar -xzf %s.tar.gz && cd %s && sh %s",
			takeThere(r.Archive(want.Name, m.Name), m.Host.String()), unit, unit, bundle.Start))
	}
	for _, m := range members {
		if err := r.await(ctx, m.Name, m.ClientURL(), true); err != nil {
			return err
		}
		delete(r.emptied, m.Name)
		err := r.edit(func(n note) { n[m.Name] = handed{Settings: m.Settings, Host: m.Host.String(), Digest: digests[m.Name]} })
		if err != nil {
			return err
		}
	}
	return nil
}

// Archive is where a member's is.
func (r *Runtime) Archive(name, member string) string {
	return filepath.Join(r.o.Output, cluster.UnitName(name, member)+".tar.gz")
}

func takeThere(archive, host string) string { return fmt.Sprintf("take %s to %s", archive, host) }

// Start waits until servers listen that somebody starts.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	return r.each(ctx, name, servers, true, "docker compose start")
}

// Stop waits until servers listen no more that somebody stops.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	command := "docker compose stop"
	if grace > 0 {
		command += fmt.Sprintf(" --timeout %.0f", math.Ceil(grace.Seconds()))
	}
	return r.each(ctx, name, servers, false, command)
}

// each has a command run on the machines of servers that do not listen, or listen,
// as they should.
func (r *Runtime) each(ctx context.Context, name string, servers []string, listening bool, command string) error {
	have, err := r.Observe(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := choose(have, servers)
	if err != nil {
		return err
	}
	chosen = slices.DeleteFunc(chosen, func(s runtime.Server) bool { return r.listens(ctx, s.ClientURL()) == listening })
	for _, s := range chosen {
		r.tell(s.Name, at(have.Name, s)+command)
	}
	for _, s := range chosen {
		if err := r.await(ctx, s.Name, s.ClientURL(), listening); err != nil {
			return err
		}
	}
	return nil
}

// at begins a command on a server's machine.
func at(name string, s runtime.Server) string {
	return fmt.Sprintf("on %s: cd %s && ", s.Host, cluster.UnitName(name, s.Name))
}

func choose(have *runtime.State, servers []string) ([]runtime.Server, error) {
	if len(servers) == 0 {
		return slices.Clone(have.Servers), nil
	}
	unknown := &runtime.UnknownError{Name: have.Name}
	var chosen []runtime.Server
	for _, name := range servers {
		if s, ok := have.Server(name); ok {
			chosen = append(chosen, s)
		} else {
			unknown.Servers = append(unknown.Servers, name)
		}
	}
	if len(unknown.Servers) == 0 {
		return chosen, nil
	}
	for _, s := range have.Servers {
		unknown.Has = append(unknown.Has, s.Name)
	}
	return nil, unknown
}

// withData takes a member away with its data, and what has that missed.
const withData = "docker compose down --volumes && rm -f " + bundle.Mark

// Remove has somebody take servers away. Nothing shows that it was done.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	have, err := r.Observe(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	chosen, err := choose(have, removal.Servers)
	if err != nil {
		return err
	}
	command := "docker compose down"
	if removal.Data {
		command = withData
	}
	for _, s := range chosen {
		r.tell(s.Name, at(name, s)+command)
		r.told(s.Name)
		if err := r.edit(func(n note) { delete(n, s.Name) }); err != nil {
			return err
		}
		if err := os.Remove(r.Archive(name, s.Name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// SetAside has somebody put a server's data away, which can't be looked at from here.
func (r *Runtime) SetAside(ctx context.Context, name, server string) (string, error) {
	have, err := r.Observe(ctx, name)
	if err != nil {
		return "", err
	}
	if s, ok := have.Server(server); ok {
		r.tell(server, "put away what it has kept, if there is anything, "+at(name, s)+withData)
		r.told(server)
		r.emptied[server] = true
	}
	return "", nil
}

func (r *Runtime) tell(server, what string) {
	r.o.Events(runtime.Event{Server: server, Action: RunThere, Detail: what})
}

// told is after what is seen to be done, or what nobody can see.
func (r *Runtime) told(server string) {
	r.o.Events(runtime.Event{Server: server, Action: RunThere, Done: true})
}

// still says what is waited for, and that it has no end but its own.
func still(server, clientURL string, listening bool) string {
	does := "does not listen at %s yet"
	if !listening {
		does = "listens at %s still"
	}
	return fmt.Sprintf("%s "+does+": whoever is there has to run what was said; Ctrl-C ends the wait, and the same command takes it up again", server, clientURL)
}

// await waits until a server listens, or does not.
func (r *Runtime) await(ctx context.Context, server, clientURL string, listening bool) error {
	ticker, reminder := time.NewTicker(glance), time.NewTicker(r.reminder)
	defer ticker.Stop()
	defer reminder.Stop()
	for r.listens(ctx, clientURL) != listening {
		select {
		case <-ticker.C:
		case <-reminder.C:
			r.o.Events(runtime.Event{Server: server, Action: runtime.Caveat, Done: true, Detail: still(server, clientURL, listening)})
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.told(server)
	return nil
}
