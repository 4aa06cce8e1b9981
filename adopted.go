package etcdctr

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file keeps in a folder whose members its clusters have adopted. What ran those may
// start them again, beside the cluster that has their data: it serves as before, and who
// still goes to the old ones is told nothing.

// Revived is a member that was adopted and that something else has started again.
type Revived struct {
	// Name is how what runs it calls it.
	Name string
	// DataAt is where its data is, as a folder or the name of a volume.
	DataAt string
	// Stop is the command that stops it, and deletes nothing.
	Stop string
}

// Kinds of lines beside the place of a cluster: whose members it has adopted, and which
// containers it has brought onto its network.
const (
	adoptedKind = "adopted"
	broughtKind = "brought"
)

// around is how a line of a kind begins and ends: what it is about stands between.
func (c *Cluster) around(kind string) (begins, ends string) {
	return c.runtime.Name() + " " + kind + " ", " " + c.o.StepsOf(c.runtime)
}

func (c *Cluster) isOf(kind, line string) bool {
	begins, ends := c.around(kind)
	return strings.HasPrefix(line, begins) && strings.HasSuffix(line, ends)
}

// noted is what is noted of a kind.
func (c *Cluster) noted(kind string) []string {
	begins, ends := c.around(kind)
	var all []string
	for _, line := range c.o.placesLines(c.spec.ClusterName()) {
		if c.isOf(kind, line) {
			all = append(all, strings.TrimSuffix(strings.TrimPrefix(line, begins), ends))
		}
	}
	return all
}

// note notes what is not noted yet.
func (c *Cluster) note(kind string, what ...string) error {
	name := c.spec.ClusterName()
	noted := c.noted(kind)
	what = slices.DeleteFunc(slices.Clone(what), func(one string) bool { return slices.Contains(noted, one) })
	if c.o.PlacesDir == "" || len(what) == 0 {
		return nil
	}
	if err := c.notePlace(); err != nil {
		return err
	}
	begins, ends := c.around(kind)
	lines := c.o.placesLines(name)
	for _, one := range what {
		lines = append(lines, begins+one+ends)
	}
	return c.o.writePlaces(name, lines)
}

// NoteAdopted keeps whose members the cluster has adopted, by the key adopts of the Spec
// that named them.
func (c *Cluster) NoteAdopted(adopts string) error { return c.note(adoptedKind, adopts) }

// NoteBrought keeps which containers were put on the network of the cluster when it adopted
// members that they found on another one: they belong there, also once they are made anew.
func (c *Cluster) NoteBrought(containers ...string) error { return c.note(broughtKind, containers...) }

// Revived are the members that the cluster has adopted and that run again all the same.
func (c *Cluster) Revived(ctx context.Context) ([]Revived, error) {
	if c.o.Revived == nil || c.runtime == nil || c.spec.Adopts != "" { // members that are still to be adopted run
		return nil, nil
	}
	var all []Revived
	for _, adopts := range c.noted(adoptedKind) {
		some, err := c.o.Revived(ctx, adopts)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	// Where the cluster's own members go on in an old folder, they are not the old ones.
	return slices.DeleteFunc(all, func(r Revived) bool {
		return slices.ContainsFunc(c.spec.Members.List, func(m cluster.MemberSpec) bool { return m.Data != "" && m.Data == r.DataAt && filepath.IsAbs(m.Data) })
	}), nil
}

// judgeRevived warns of them.
func (c *Cluster) judgeRevived(ctx context.Context) []string {
	revived, err := c.Revived(ctx)
	if err != nil {
		return []string{fmt.Sprintf("whether what was adopted runs again can't be seen: %v", err)}
	}
	name := c.spec.ClusterName()
	var all []string
	for _, r := range revived {
		all = append(all, fmt.Sprintf("%s was adopted and runs again: who uses it finds what it held before, and what is written to it is not in %s; "+
			"`%s` stops it and deletes nothing; take it out of what starts it", r.Name, name, r.Stop))
	}
	return all
}
