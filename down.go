package etcdctr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about a cluster of which no member is there, and something else is.

// DownError is the error of a cluster of which no member is there, so that nobody can be
// asked: it was taken down, or somebody has deleted what runs them. A cluster of which
// nothing is there is a runtime.ErrNotFound.
type DownError struct {
	Name string
	// Kept are the members whose data is kept.
	Kept []string
	// Services are those beside the members, which are there still.
	Services []string
	// Backups is where its backups go; empty where nobody says.
	Backups string
}

func (e *DownError) Error() string {
	what := e.Name + " is down: none of its members is there, and "
	switch {
	case len(e.Kept) > 0:
		what += "the data is kept of " + strings.Join(e.Kept, ", ")
	case len(e.Services) > 0:
		what += "no data of theirs, only " + strings.Join(e.Services, ", ")
	default:
		what += "no data of theirs"
	}
	return what
}

// Remedy is what can be done about it.
func (e *DownError) Remedy() string {
	switch {
	case len(e.Kept) > 0:
		return "`etcdctr up` starts it on that data"
	case e.Backups != "":
		return fmt.Sprintf("`%s` brings back what a backup holds; `etcdctr up` founds a new and empty one", Typed(restoring(e.Backups)))
	}
	return "`etcdctr up` founds a new and empty one"
}

// down is a *DownError of what was observed; nil where a member is there.
func (c *Cluster) down(have *runtime.State) error {
	if have == nil || len(have.Present()) > 0 {
		return nil
	}
	e := &DownError{Name: c.spec.ClusterName(), Backups: c.spec.Backup.Destination}
	for _, s := range have.Servers {
		switch {
		case s.Role != runtime.Member:
			e.Services = append(e.Services, s.Name)
		case s.KeepsData():
			e.Kept = append(e.Kept, s.Name)
		}
	}
	return e
}

// unasked is the report of a cluster whose members nobody can ask.
func (w *Watched) unasked(e *DownError) health.Report {
	r := health.Report{Time: w.o.Now(), Members: []health.MemberReport{}, Warnings: []string{}}
	r.Failures = []string{fmt.Sprintf("%v: %s", e, e.Remedy())}
	w.mu.Lock()
	defer w.mu.Unlock()
	remarkAside(w.aside, &r)
	return r
}

// lies is a cluster that is down. Where more than half of those that are described have lost
// their data no start brings them together.
func (p *patient) lies(e *DownError) Diagnosis {
	d := Diagnosis{Member: p.name(), Cause: strings.TrimPrefix(e.Error(), e.Name+" "), Command: p.command("up")}
	kept := 0
	for _, m := range p.want.Members {
		if slices.Contains(e.Kept, m.Name) {
			kept++
		}
	}
	switch all := len(p.want.Members); {
	case len(e.Kept) == 0:
		d.Command, d.ByHand = cmp.Or(p.restore(e.Backups), d.Command), e.Remedy()
	case p.described() && kept > 0 && kept <= all/2:
		d.Cause += fmt.Sprintf(", and the others of %d have lost theirs", all)
		d.Command = p.command("recover")
	}
	return d
}
