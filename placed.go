package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps in a folder which runtimes have its clusters. A runtime that can't be
// asked for a moment may have one all the same: without the note another one would be
// founded, of the same name and empty.

// AwayError is the error of a cluster that was started from this folder on a runtime
// that can't be asked now.
type AwayError struct {
	Name, Runtime string
	Err           error // of asking
}

func (e *AwayError) Error() string {
	return fmt.Sprintf("%s was started from this folder on the runtime %s, which can't be asked: %v", e.Name, e.Runtime, e.Err)
}

func (e *AwayError) Unwrap() error { return e.Err }

// TwiceError is the error of a name that clusters of several runtimes have, all of them
// of this folder or none.
type TwiceError struct {
	Name     string
	Runtimes []string
}

func (e *TwiceError) Error() string {
	return fmt.Sprintf("there are clusters called %s on the runtimes %s", e.Name, listed.And(e.Runtimes))
}

// A note's file has the cluster's name between these, which no cluster's folder has.
const placesPrefix, placesSuffix = ".", ".runtimes"

// placesFile has the runtimes that have a cluster, one a line, and one more with served and
// the place for each engine, or folder, where its members have, one with what answers there,
// see runtime.Identified, one with how far they had come, see seen, and those of what it has
// adopted. It is empty for nowhere.
func (o Options) placesFile(name string) string {
	if o.PlacesDir == "" {
		return ""
	}
	return filepath.Join(o.PlacesDir, placesPrefix+filepath.Base(filepath.Clean("/"+name))+placesSuffix)
}

// placed are the runtimes that have had a cluster since its data was deleted last.
func (o Options) placed(name string) []string {
	var runtimes []string
	for _, line := range o.placesLines(name) {
		if name := strings.Fields(line)[0]; !slices.Contains(runtimes, name) {
			runtimes = append(runtimes, name)
		}
	}
	return runtimes
}

func (o Options) placesLines(name string) []string {
	data, err := os.ReadFile(o.placesFile(name))
	if err != nil {
		return nil // it was never started from here
	}
	lines := strings.Split(string(data), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
}

// EmptiedError is the error of a cluster that is founded anew though it has served, and
// nobody has deleted its data from this folder.
type EmptiedError struct{ Name string }

func (e *EmptiedError) Error() string {
	return e.Name + " begins empty, and has served before: its data is gone, and was not deleted from this folder"
}

// Emptied is an *EmptiedError where the last Make has founded a cluster anew that has
// served, and an *AnotherError where it has come upon one; else nil. One that keeps its data
// in memory is none of those. It is told of once: the next Make goes by what is there.
func (c *Cluster) Emptied() error { return c.emptied }

// emptiedBy goes by whether the cluster had served before the steps: who looks at it while
// they are taken notes that it serves. Where nobody saw whether it had data, judgeSeen tells
// once it serves.
func (c *Cluster) emptiedBy(steps converge.Steps, want *cluster.Cluster, served bool) error {
	if want == nil || want.Data == cluster.Memory || !steps.Found() || !served || !runtime.SeesData(c.runtime) {
		return nil
	}
	return &EmptiedError{c.spec.ClusterName()}
}

// servedLine notes that the cluster has served on the engine, or in the folder, that its
// runtime is about, since its data was deleted last: another engine has another one.
func (c *Cluster) servedLine() string { return servedOn(c.runtime, c.o) }

func servedOn(r runtime.Runtime, o Options) string { return r.Name() + servedKind + o.StepsOf(r) }

const servedKind = " served "

func (c *Cluster) hasServed() bool {
	return c.runtime != nil && slices.Contains(c.o.placesLines(c.spec.ClusterName()), c.servedLine())
}

// noteServed notes that, of a cluster whose place is noted, and what answers there.
func (c *Cluster) noteServed(ctx context.Context) error {
	name := c.spec.ClusterName()
	if !slices.Contains(c.o.placed(name), c.runtime.Name()) {
		return nil
	}
	if !c.hasServed() {
		if err := c.o.writePlaces(name, append(c.o.placesLines(name), c.servedLine())); err != nil {
			return err
		}
	}
	return c.noteIdentity(ctx)
}

func (o Options) writePlaces(name string, lines []string) error {
	if err := outfile.Note(o.placesFile(name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot note what runs %s: %w", name, err)
	}
	return nil
}

// placedHere are the names of clusters that have been started from the folder.
func (o Options) placedHere() []string {
	if o.PlacesDir == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(o.PlacesDir, placesPrefix+"*"+placesSuffix))
	if err != nil {
		return nil // the folder's own name makes no pattern
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), placesPrefix), placesSuffix))
	}
	return names
}

// notePlace keeps that the cluster's runtime has it, before it does.
func (c *Cluster) notePlace() error {
	name := c.spec.ClusterName()
	if c.o.PlacesDir == "" || c.runtime == nil || slices.Contains(c.o.placed(name), c.runtime.Name()) {
		return nil
	}
	err := os.MkdirAll(c.o.PlacesDir, 0o755)
	if err == nil { // the notes are nothing for a repository that the folder may be in
		err = gitignore.Write(c.o.PlacesDir)
	}
	if err != nil {
		return fmt.Errorf("cannot note what runs %s: %w", name, err)
	}
	return c.o.writePlaces(name, append(c.o.placesLines(name), c.runtime.Name()))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Forget takes away that the cluster's runtime has it, so that nobody misses it: its data
// is gone there, whoever has deleted that. The one of another engine stays noted.
func (c *Cluster) Forget() error {
	err := c.forget()
	c.o.leavePlaces()
	return err
}

func (c *Cluster) forget() error {
	name := c.spec.ClusterName()
	file := c.o.placesFile(name)
	if file == "" {
		return nil
	}
	left := slices.DeleteFunc(c.o.placesLines(name), func(line string) bool {
		return line == c.servedLine() || isIdentity(c.runtime, c.o, line) || c.isSeen(line) || c.isOf(adoptedKind, line) || c.isOf(broughtKind, line)
	})
	elsewhere := func(line string) bool { return strings.HasPrefix(line, c.runtime.Name()+" ") }
	if !slices.ContainsFunc(left, elsewhere) {
		left = slices.DeleteFunc(left, func(line string) bool { return line == c.runtime.Name() })
	}
	if len(left) > 0 {
		return c.o.writePlaces(name, left)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// leavePlaces removes the folder where nothing is noted any more, and no cluster is. One of
// commands that wait for each other is in it, which is empty where nobody waits.
func (o Options) leavePlaces() {
	rest, _ := os.ReadDir(o.PlacesDir) // or it is not there
	for _, e := range rest {
		if e.IsDir() {
			_ = os.Remove(filepath.Join(o.PlacesDir, e.Name()))
		}
	}
	switch rest, _ = os.ReadDir(o.PlacesDir); {
	case len(rest) == 1 && rest[0].Name() == gitignore.Name:
		_ = os.RemoveAll(o.PlacesDir)
	case len(rest) == 0: // whoever has waited meanwhile has made it anew, for a lock
		_ = os.Remove(o.PlacesDir)
	}
}

// elsewhereToo tells whether other runtimes than the one that has a cluster are to be
// asked for another one of its name: those that have had it, and all where nothing is
// noted.
func (cs *Clusters) elsewhereToo(name, has string) bool {
	placed := cs.o.placed(name)
	return cs.o.PlacesDir != "" && !slices.Equal(placed, []string{has})
}

// silent are the errors of the runtimes that have a cluster of this folder, as far as is
// known, and can't be asked; none where it is said which one is meant.
func (cs *Clusters) silent(name string, want cluster.Runtime, away map[string]error) []*AwayError {
	var all []*AwayError
	for _, r := range cs.o.placed(name) {
		if err := away[r]; err != nil && (want == "" || want == cluster.AnyRuntime) {
			all = append(all, &AwayError{Name: name, Runtime: r, Err: err})
		}
	}
	return all
}

// placedState is a cluster on a runtime.
type placedState struct {
	runtime runtime.Runtime
	have    *runtime.State
}

// theOne is the cluster that is meant of those of a name: the one of this folder, if
// there is just one.
func (cs *Clusters) theOne(name string, want cluster.Runtime, all []placedState, away map[string]error) (placedState, error) {
	here := slices.DeleteFunc(slices.Clone(all), func(p placedState) bool { return !p.have.StartedIn(cs.o.Folder) })
	if len(here) > 0 {
		all = here
	}
	twice := &TwiceError{Name: name}
	for _, p := range all {
		twice.Runtimes = append(twice.Runtimes, p.runtime.Name())
	}
	for _, silent := range cs.silent(name, want, away) {
		twice.Runtimes = append(twice.Runtimes, silent.Runtime)
	}
	if len(twice.Runtimes) > 1 {
		return placedState{}, twice
	}
	return all[0], nil
}
