package runtimes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
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

// CheckFree refuses a cluster for Docker Compose where the engine has one of its name that
// was started in another folder of this machine than those, unless it was named by a flag or
// by the program: Compose goes by the name alone, and would make the members of that anew, on
// its data. The error is an *etcdctr.OtherFolderError.
func (r *Runtimes) CheckFree(ctx context.Context, c *cluster.Cluster, folders ...string) error {
	if c.Spec.NameIsSaid() || c.SpansMachines() || !r.answers(ctx) {
		return nil
	}
	have, err := r.docker.Observe(ctx, c.Name)
	if err != nil || !have.StartedElsewhere(folders...) {
		return nil //nolint:nilerr // what can't be seen is in nobody's way
	}
	return &etcdctr.OtherFolderError{Name: c.Name, Folder: have.Folder, Kept: true}
}

// AsStarted gives a cluster with the members that the engine runs as they were started
// in a folder, so that Compose finds nothing to do about them: a member that has data
// goes by that, and those that joined later know others than the first.
func (r *Runtimes) AsStarted(ctx context.Context, c *cluster.Cluster, folder string) (*cluster.Cluster, error) {
	if !r.answers(ctx) {
		return c, nil
	}
	have, err := r.docker.Observe(ctx, c.Name)
	if err != nil || !have.StartedIn(folder) {
		return c, nil //nolint:nilerr // nothing to go by
	}
	as, err := runtime.AsStarted(ctx, r.docker, c, have)
	if err != nil {
		return nil, err
	}
	return as.Founding(), nil
}

// HopError is the error of a file that has members of another release started on data that
// it does not go on with: etcd goes up by one minor at a time, and down only once all agree.
type HopError struct {
	Member   string
	Has      cluster.Version
	Wanted   cluster.Version
	Backward bool
}

func (e *HopError) Error() string {
	why := "etcd goes up by one minor at a time"
	if e.Backward {
		why = "etcd goes back only where the members have agreed on it"
	}
	return fmt.Sprintf("%s has run %s, and Docker Compose would start it with %s, which does not go on with its data: %s; `etcdctr up --etcd %s` brings the members there",
		e.Member, e.Has, e.Wanted, why, e.Wanted)
}

// CheckHop refuses a cluster for Docker Compose whose members the engine has of a release
// from which there is no single step to the wanted one. The error is a *HopError.
func (r *Runtimes) CheckHop(ctx context.Context, c *cluster.Cluster) error {
	if c.SpansMachines() || !r.answers(ctx) {
		return nil
	}
	have, err := r.docker.Observe(ctx, c.Name)
	if err != nil {
		return nil //nolint:nilerr // what can't be seen is in nobody's way
	}
	return hop(c.Etcd, have)
}

// hop is the HopError of the first member that can't go over to a release.
func hop(to cluster.Version, have *runtime.State) error {
	for _, m := range have.Members() {
		from, err := cluster.ReadVersion(m.Release)
		if err == nil && (to.Minor < from.Minor || to.Minor > from.Minor+1) {
			return &HopError{Member: m.Name, Has: from, Wanted: to, Backward: to.Minor < from.Minor}
		}
	}
	return nil
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
		all = append(all, strings.Join(e.More, " and ")+" would be no members of it, but a cluster of their own")
	}
	if len(e.Fewer) > 0 {
		all = append(all, fmt.Sprintf("%s would stay its members, and --remove-orphans deletes their containers all the same", strings.Join(e.Fewer, " and ")))
	}
	return fmt.Sprintf("%s runs with other members, and Docker Compose has none join or leave: %s; %s", e.Name, strings.Join(all, "; "), e.Help)
}

// CheckMembers refuses a cluster for Docker Compose that the engine has with other members.
// The error is a *MembersError.
func (r *Runtimes) CheckMembers(ctx context.Context, c *cluster.Cluster) error {
	if c.SpansMachines() || !r.answers(ctx) {
		return nil
	}
	have, err := r.docker.Observe(ctx, c.Name)
	if err != nil {
		return nil //nolint:nilerr // what can't be seen is in nobody's way
	}
	return others(c, have)
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

// Published are the addresses of this machine that the engine's members of a cluster have,
// which was started in a folder.
func (r *Runtimes) Published(ctx context.Context, c *cluster.Cluster, folder string) []string {
	if !r.answers(ctx) {
		return nil
	}
	have, err := r.docker.Observe(ctx, c.Name)
	if err != nil || !have.StartedIn(folder) {
		return nil
	}
	var all []string
	for _, m := range have.Members() {
		if m.Runs() {
			all = append(all, m.Published...)
		}
	}
	return all
}

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
