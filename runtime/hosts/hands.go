package hosts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file says what is to be done on the machines, and waits until it is seen.

const (
	// oneQuestion is how long a member may take to answer.
	oneQuestion = 2 * time.Second
	// glance is how often a machine is looked at while somebody works on it.
	glance = 250 * time.Millisecond
	// usualReminder is after how long it is said that somebody is still waited for.
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
	digests, runs := map[string]string{}, map[string]string{}
	for _, m := range members {
		archive, err := r.o.Pack(ctx, want, m.Name)
		if err == nil {
			err = outfile.Write(r.Archive(want.Name, m.Name), archive, 0o600)
		}
		if err != nil {
			return fmt.Errorf("cannot write what %s runs: %w", m.Name, err)
		}
		digests[m.Name] = digest(archive)
		if runs[m.Name], err = r.runs(ctx, want, m.Name); err != nil {
			return fmt.Errorf("cannot tell what %s is started by: %w", m.Name, err)
		}
	}
	for _, m := range members {
		unit := cluster.UnitName(want.Name, m.Name)
		r.tell(m.Name, fmt.Sprintf("%s, and there: tar -xzf %s.tar.gz && cd %s && sh %s",
			takeThere(r.Archive(want.Name, m.Name), m.Host.String()), unit, unit, bundle.Start))
	}
	for _, m := range members {
		if err := r.await(ctx, context.WithoutCancel(ctx), m.Name, m.ClientURL(), true); err != nil {
			return err
		}
		delete(r.emptied, m.Name)
		err := r.edit(func(n note) {
			n[m.Name] = handed{Settings: m.Settings, Host: m.Host.String(), Digest: digests[m.Name], Runs: runs[m.Name]}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Archive is where a member's is.
func (r *Runtime) Archive(name, member string) string {
	return archiveFile(r.o.Output, name, member)
}

func takeThere(archive, host string) string { return fmt.Sprintf("take %s to %s", archive, host) }

// Start waits until servers listen that somebody starts.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	return r.each(ctx, name, servers, true, command{"docker compose start", "systemctl start"})
}

// Stop waits until servers listen no more that somebody stops. Where Options.Patience is at
// an end it is a *LeftError.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	stop := command{"docker compose stop", "systemctl stop"}
	if grace > 0 {
		stop.compose += fmt.Sprintf(" --timeout %.0f", math.Ceil(grace.Seconds()))
	}
	return r.each(ctx, name, servers, false, stop)
}

// each has a command run on the machines of servers that do not listen, or listen,
// as they should.
func (r *Runtime) each(ctx context.Context, name string, servers []string, listening bool, does command) error {
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
		r.tell(s.Name, does.at(have.Name, s))
	}
	waiting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	if !listening && r.o.Patience > 0 {
		waiting, giveUp = context.WithTimeout(waiting, r.o.Patience)
	}
	defer giveUp()
	left := &LeftError{Waited: r.o.Patience}
	for _, s := range chosen {
		err := r.await(ctx, waiting, s.Name, s.ClientURL(), listening)
		if errors.Is(err, errNobody) {
			left.Servers, left.Commands = append(left.Servers, s.Name), append(left.Commands, does.at(have.Name, s))
		} else if err != nil {
			return err
		}
	}
	if len(left.Servers) > 0 {
		return left
	}
	return nil
}

// LeftError is the error of servers that nobody has stopped while it was waited for.
type LeftError struct {
	Servers  []string
	Commands []string // for each, where and what somebody has to run
	Waited   time.Duration
}

func (e *LeftError) Error() string {
	return fmt.Sprintf("%s: nobody has stopped it within %s: %s", strings.Join(e.Servers, ", "), e.Waited, strings.Join(e.Commands, "; "))
}

// errNobody is the error of a wait that is given up.
var errNobody = errors.New("nobody has done it")

// command is what somebody runs on a server's machine: in its folder, or where systemd has
// it, before the name of its unit.
type command struct{ compose, systemd string }

// at tells where it is to be run, and how, in one line for a shell.
func (c command) at(name string, s runtime.Server) string {
	return fmt.Sprintf("%s%s   # with systemd instead: %s %s", at(name, s), c.compose, c.systemd, cluster.UnitName(name, s.Name))
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
	down := command{"docker compose down", "systemctl disable --now"}
	if removal.Data {
		down = command{withData, "delete its data after systemctl disable --now"}
	}
	for _, s := range chosen {
		r.tell(s.Name, down.at(name, s))
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
		r.tell(server, "put away what it has kept, if there is anything, "+at(name, s)+keeping(s)+withData)
		r.told(server)
		r.emptied[server] = true
	}
	return "", nil
}

// keeping copies a server's data beside its archive; what comes after it is not run where
// that fails. Only a container leads to what is in its volume, which is there without data,
// too.
func keeping(s runtime.Server) string {
	keep := "docker compose stop && docker compose create && kept=kept-$(date +%s) && mkdir $kept && "
	for _, setting := range []string{"data-dir", "wal-dir"} {
		if dir := s.Settings.Get(setting); dir != "" {
			keep += fmt.Sprintf("docker compose cp %s:%s $kept/%s && ", s.Name, shellword.Quote(path.Dir(dir)), setting)
		}
	}
	return keep
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

// await waits until a server listens, or does not. Once waiting ends it is errNobody. It is
// said once that it goes on: more would hide what is to be run.
func (r *Runtime) await(ctx, waiting context.Context, server, clientURL string, listening bool) error {
	ticker, reminder := time.NewTicker(glance), time.NewTimer(r.reminder)
	defer ticker.Stop()
	defer reminder.Stop()
	for r.listens(ctx, clientURL) != listening {
		select {
		case <-ticker.C:
		case <-reminder.C:
			r.o.Events(runtime.Event{Server: server, Action: runtime.Caveat, Done: true, Detail: still(server, clientURL, listening)})
		case <-waiting.Done():
			return errNobody
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.told(server)
	return nil
}
