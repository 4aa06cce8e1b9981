package etcdctr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells how each server of a cluster is.

// Standing is a server and how it is.
type Standing struct {
	runtime.Server
	// Health is that of a member which runs; empty where nothing is known of it.
	Health Health
}

// ServerReport is a server and how it is, as scripts read it.
type ServerReport struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"`              // member or service
	Program  string   `json:"program"`           // an image or a file
	Release  string   `json:"release,omitempty"` // of etcd
	Status   string   `json:"status"`
	Health   string   `json:"health,omitempty"` // of a member that runs: healthy, learner or unhealthy
	Detail   string   `json:"detail,omitempty"` // the runtime's words
	Since    string   `json:"since,omitempty"`
	Restarts int      `json:"restarts,omitempty"`
	Host     string   `json:"host,omitempty"`
	Ports    []string `json:"ports,omitempty"`
}

// Report gives it for scripts.
func (s Standing) Report() ServerReport {
	r := ServerReport{
		Name: s.Name, Role: string(s.Role), Program: s.Program, Release: s.Release, Status: string(s.Status),
		Health: string(s.Health), Detail: s.Detail, Restarts: s.Restarts, Host: s.Host, Ports: s.Published,
	}
	if !s.Since.IsZero() {
		r.Since = s.Since.UTC().Format(time.RFC3339)
	}
	return r
}

// Health is how a member is that runs.
type Health string

// How members are.
const (
	Healthy   Health = "healthy"
	Learner   Health = "learner" // which answers no reads yet
	Unhealthy Health = "unhealthy"
)

// Standings tells of every server how it is, by name: of those that are there, and, as
// runtime.Absent, of members that are described and have nothing yet.
func (c *Cluster) Standings(ctx context.Context) ([]Standing, error) {
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	var all []Standing
	health := c.healthOf(ctx, have)
	for _, s := range append(slices.Clone(have.Servers), c.yetToCome(ctx, have)...) {
		all = append(all, Standing{s, health[s.Name]})
	}
	slices.SortStableFunc(all, func(a, b Standing) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// yetToCome are the members that are described and have nothing yet.
func (c *Cluster) yetToCome(ctx context.Context, have *runtime.State) []runtime.Server {
	if m := c.spec.Members; m.Count == 0 && len(m.List) == 0 {
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return nil // of what is there everything can be said
	}
	var all []runtime.Server
	for _, m := range want.Members {
		if _, there := have.Server(m.Name); !there {
			all = append(all, runtime.Server{
				Name: m.Name, Role: runtime.Member, Status: runtime.Absent, Detail: "nothing of it is there: `etcdctr up` makes it",
				Host: cmp.Or(m.Node, m.Engine.At),
			})
		}
	}
	return all
}

// healthOf asks the members that run how they are, by name. Where there is no way to
// them, nothing is said.
func (c *Cluster) healthOf(ctx context.Context, have *runtime.State) map[string]Health {
	view, err := c.lookOnce(ctx, have)
	if err != nil {
		return nil
	}
	health := map[string]Health{}
	for _, s := range have.Members() {
		e := view.Endpoint(s.Name)
		if !s.Runs() && (s.Status != runtime.Away || !e.Answers()) {
			continue
		}
		switch {
		case e.Answers() && !view.IsMember(e):
			health[s.Name] = Unhealthy
		case e.Serves():
			health[s.Name] = Healthy
		case e.Answers() && e.Learner:
			health[s.Name] = Learner
		default:
			health[s.Name] = Unhealthy
		}
	}
	return health
}

// lookOnce asks all members once.
func (c *Cluster) lookOnce(ctx context.Context, have *runtime.State) (v member.View, err error) {
	way, err := c.connect(ctx, have)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, way.Close()) }()
	return way.look(ctx)
}

// look asks all members once.
func (c *Connection) look(ctx context.Context) (v member.View, err error) {
	members, err := c.Members(member.Config{Patience: member.Patience{Question: oneQuestion}})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, members.Close()) }()
	return members.Look(ctx)
}

// UnknownServerError is the error of naming a server that a cluster does not have.
type UnknownServerError struct {
	Cluster, Server string
	Has             []string
}

func (e *UnknownServerError) Error() string {
	return fmt.Sprintf("%s has no member %q: it has %s", e.Cluster, e.Server, strings.Join(e.Has, ", "))
}

// Choose gives the servers that are named, or all that are there when none is. Wrong
// names are reported together, each as an *UnknownServerError.
func (c *Cluster) Choose(ctx context.Context, names ...string) ([]string, error) {
	return c.named(ctx, nil, names)
}

// ChooseFor is Choose for a verb: one that makes members as they are described may also
// name those that are described and gone with all that they had.
func (c *Cluster) ChooseFor(ctx context.Context, verb converge.Verb, names ...string) ([]string, error) {
	var described []string
	if verb == converge.Replace {
		want, err := c.Want(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range want.Members {
			described = append(described, m.Name)
		}
	}
	return c.named(ctx, described, names)
}

func (c *Cluster) named(ctx context.Context, described, names []string) ([]string, error) {
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, s := range have.Servers {
		if s.Status != runtime.Absent {
			all = append(all, s.Name)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	all = append(all, described...)
	slices.Sort(all)
	all = slices.Compact(all)
	var errs []error
	for _, name := range names {
		if !slices.Contains(all, name) {
			errs = append(errs, &UnknownServerError{c.spec.ClusterName(), name, all})
		}
	}
	return names, errors.Join(errs...)
}
