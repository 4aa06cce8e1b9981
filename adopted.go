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

func (c *Cluster) adoptedLine(adopts string) string {
	return c.adoptedBegins() + adopts + " " + c.o.StepsOf(c.runtime)
}

func (c *Cluster) adoptedBegins() string { return c.runtime.Name() + " adopted " }

func (c *Cluster) isAdopted(line string) bool {
	return strings.HasPrefix(line, c.adoptedBegins()) && strings.HasSuffix(line, " "+c.o.StepsOf(c.runtime))
}

// NoteAdopted keeps whose members the cluster has adopted, by the key adopts of the Spec
// that named them.
func (c *Cluster) NoteAdopted(adopts string) error {
	name, line := c.spec.ClusterName(), c.adoptedLine(adopts)
	if c.o.PlacesDir == "" || slices.Contains(c.o.placesLines(name), line) {
		return nil
	}
	if err := c.notePlace(); err != nil {
		return err
	}
	return c.o.writePlaces(name, append(c.o.placesLines(name), line))
}

// Revived are the members that the cluster has adopted and that run again all the same.
func (c *Cluster) Revived(ctx context.Context) ([]Revived, error) {
	if c.o.Revived == nil || c.runtime == nil || c.spec.Adopts != "" { // members that are still to be adopted run
		return nil, nil
	}
	var all []Revived
	for _, line := range c.o.placesLines(c.spec.ClusterName()) {
		if !c.isAdopted(line) {
			continue
		}
		adopts := strings.TrimSuffix(strings.TrimPrefix(line, c.adoptedBegins()), " "+c.o.StepsOf(c.runtime))
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
