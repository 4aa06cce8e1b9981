package runtimes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file asks this machine's Engine for what a file has to say that somebody else
// starts members by. Where no engine answers, the file is for one elsewhere.

// briefly is how long an engine may take to answer: one elsewhere that is not there
// must not keep who only writes a file.
const briefly = 3 * time.Second

// answers reports whether this machine has an engine that answers.
func (r *Runtimes) answers(ctx context.Context) bool {
	if r.Engine == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	return r.Engine.Answers(ctx) == nil
}

// Place places a cluster in containers as the engine needs it: its fixed addresses, if
// it has any, are where the engine has room. Without one they are what the cluster's
// name gives.
func (r *Runtimes) Place(ctx context.Context, spec cluster.Spec, c *cluster.Cluster) (*cluster.Cluster, error) {
	if c.SpansMachines() || !r.answers(ctx) {
		return c, nil
	}
	return r.docker.Place(ctx, spec)
}

// There is what this machine's engine has of a cluster that somebody else is to start by a
// file; nothing where it does not answer, or can't be seen: that is in nobody's way.
type There struct {
	cluster *cluster.Cluster
	have    *runtime.State
	on      runtime.Runtime
}

// There looks once at what this machine's engine has of a cluster.
func (r *Runtimes) There(ctx context.Context, c *cluster.Cluster) There {
	t := There{cluster: c, on: r.docker}
	if !r.answers(ctx) {
		return t
	}
	if have, err := r.docker.Observe(ctx, c.Name); err == nil {
		t.have = have
	}
	return t
}

// CheckFree refuses a cluster for Docker Compose where the engine has one of its name that
// was started in another folder of this machine than those, unless it was named by a flag or
// by the program: Compose goes by the name alone, and would make the members of that anew, on
// its data. The error is an *etcdctr.OtherFolderError.
func (t There) CheckFree(folders ...string) error {
	if t.cluster.Spec.NameIsSaid() || t.cluster.SpansMachines() || !t.have.StartedElsewhere(folders...) {
		return nil
	}
	return &etcdctr.OtherFolderError{Name: t.cluster.Name, Folder: t.have.Folder, Kept: true}
}

// AsStarted gives a cluster with the members that the engine runs as they were started
// in a folder, so that Compose finds nothing to do about them: a member that has data
// goes by that, and those that joined later know others than the first.
func (t There) AsStarted(ctx context.Context, folder string) (*cluster.Cluster, error) {
	if !t.have.StartedIn(folder) {
		return t.cluster, nil // nothing to go by
	}
	as, err := runtime.AsStarted(ctx, t.on, t.cluster, t.have)
	if err != nil {
		return nil, err
	}
	return as.Founding(), nil
}

// HopError is the error of a file that has members of another release started on data that
// it does not go on with: etcd goes up by one minor at a time, and down only once all agree.
type HopError struct {
	Members  []string
	Has      cluster.Version
	Wanted   cluster.Version
	Backward bool
}

func (e *HopError) Error() string {
	why := "etcd goes up by one minor at a time"
	if e.Backward {
		why = "etcd goes back only where the members have agreed on it"
	}
	n := len(e.Members)
	return fmt.Sprintf("%s %s run %s, and Docker Compose would start %s with %s, which does not go on with %s data: %s; `etcdctr up --etcd %s` brings the members there",
		listed.And(e.Members), listed.Of(n, "has", "have"), e.Has, listed.Of(n, "it", "them"), e.Wanted, listed.Of(n, "its", "their"), why, e.Wanted)
}

// CheckHop refuses a cluster for Docker Compose whose members the engine has of a release
// from which there is no single step to the wanted one. The error is a *HopError.
func (t There) CheckHop() error {
	if t.cluster.SpansMachines() {
		return nil
	}
	return hop(t.cluster.Etcd, t.have)
}

// hop is the HopError of the members that can't go over to a release: of those of the
// release that the first of them has.
func hop(to cluster.Version, have *runtime.State) error {
	var e *HopError
	for _, m := range have.Members() {
		from, err := cluster.ReadVersion(m.Release)
		if err != nil || to.Minor == from.Minor || to.Minor == from.Minor+1 {
			continue
		}
		if e == nil {
			e = &HopError{Has: from, Wanted: to, Backward: to.Minor < from.Minor}
		}
		if e.Has == from {
			e.Members = append(e.Members, m.Name)
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// MembersError is the error of a file that has other members than the cluster that runs. Who
// is one, the members agree on, and Docker Compose asks none of them.
type MembersError struct {
	Name string
	// More are those that only the file has, and Fewer those that only the cluster has.
	More, Fewer []string
	// Help is what to do instead.
	Help string
}

func (e *MembersError) Error() string {
	var all []string
	if len(e.More) > 0 {
		all = append(all, listed.And(e.More)+" would be no members of it, but a cluster of their own")
	}
	if len(e.Fewer) > 0 {
		all = append(all, fmt.Sprintf("%s would stay its members, and --remove-orphans deletes their containers all the same", listed.And(e.Fewer)))
	}
	return fmt.Sprintf("%s runs with other members, and Docker Compose has none join or leave: %s; %s", e.Name, strings.Join(all, "; "), e.Help)
}

// CheckMembers refuses a cluster for Docker Compose that the engine has with other members.
// The error is a *MembersError.
func (t There) CheckMembers() error {
	if t.cluster.SpansMachines() {
		return nil
	}
	return others(t.cluster, t.have)
}

// others is the MembersError of a cluster that is there, running or not: of what has only
// left its data nobody knows whether it is a member.
func others(c *cluster.Cluster, have *runtime.State) error {
	e := &MembersError{Name: c.Name}
	there := slices.DeleteFunc(have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Absent })
	switch said := c.Spec.Members; {
	case len(said.List) > 0:
		e.Help = "run `etcdctr up` instead of `docker compose up`"
	case said.Count > 0:
		e.Help = fmt.Sprintf("run `etcdctr up --members %d` instead of `docker compose up`", len(c.Members))
	default:
		e.Help = fmt.Sprintf("say --members %d for a file of those that there are", len(there))
	}
	for _, m := range there {
		if _, err := c.Member(m.Name); err != nil {
			e.Fewer = append(e.Fewer, m.Name)
		}
	}
	for _, m := range c.Members {
		if !slices.ContainsFunc(there, func(s runtime.Server) bool { return s.Name == m.Name }) {
			e.More = append(e.More, m.Name)
		}
	}
	if len(there) == 0 || len(e.More)+len(e.Fewer) == 0 {
		return nil
	}
	return e
}

// Published are the addresses of this machine that the engine's members have, where the
// cluster was started in a folder.
func (t There) Published(folder string) []string {
	if !t.have.StartedIn(folder) {
		return nil
	}
	var all []string
	for _, m := range t.have.Members() {
		if m.Runs() {
			all = append(all, m.Published...)
		}
	}
	return all
}

// OwnAddresses are those that the members of a cluster have which run as processes here.
func (r *Runtimes) OwnAddresses(c *cluster.Cluster) []string { return r.processes().Addresses(c.Name) }

// AskImage asks the image of a Spec for its release, where nothing else tells it. Where
// it can't be asked, the Spec stays as it is, and says too little.
func (r *Runtimes) AskImage(ctx context.Context, spec cluster.Spec) cluster.Spec {
	if spec.ImageToAsk() == "" || cluster.Runtime(spec.Runtime).RunsPrograms() || !r.answers(ctx) {
		return spec
	}
	known, err := r.docker.AskImage(ctx, spec)
	if err != nil {
		return spec
	}
	return known
}
