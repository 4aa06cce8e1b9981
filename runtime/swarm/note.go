package swarm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps what no service says, or not for as long: what a cluster was started
// with, and which volumes of which nodes have its data. A manager can list no volumes
// of other nodes. All that is in the labels of one config, which are all of a config
// that can be changed; `docker stack rm` leaves it alone, as it lacks the stack's label.

const (
	wishLabel   = "io.etcdctr.wish"
	folderLabel = "io.etcdctr.folder"
	noteLabel   = "io.etcdctr.note"
	dataLabel   = "io.etcdctr.data."  // and the server: node, volume, image
	asideLabel  = "io.etcdctr.aside." // and the server: node, volume, line by line
	emptyLabel  = "io.etcdctr.empty." // the same of what is only to be deleted
	// And the server: node, volume, image of data that is to take the place of what it
	// has, and in the next line by which restoration.
	stagedLabel  = "io.etcdctr.staged."
	madeLabel    = "io.etcdctr.made."       // and the server: the restoration that has made its data
	asideByLabel = "io.etcdctr.aside-made." // and the volume: the same of data that was set aside
	asideAtLabel = "io.etcdctr.aside-time." // and the volume: when that was, as RFC 3339
	// And the server: node, volume, line by line, of what was set aside and is being deleted.
	discardingLabel = "io.etcdctr.discarding."
)

// place is a volume on a node.
type place struct{ node, volume string }

func (p place) String() string { return p.node + " " + p.volume }

// home is where a server has its data, and an image that was on its node.
type home struct {
	place
	image string
}

func (h home) String() string { return h.place.String() + " " + h.image }

func readHome(line string) (home, bool) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return home{}, false
	}
	return home{place{f[0], f[1]}, f[2]}, true
}

// staged is data that is to take the place of what a server has, and the mark of the
// restoration that has made it.
type staged struct {
	home
	mark string
}

// note is what is kept of a cluster.
type note struct {
	id           string // empty: it is not there yet
	version      swarm.Version
	data         []byte
	wish, folder string
	homes        map[string]home
	aside        map[string][]place
	// empty is what a server had that holds nothing. To look for data on another node
	// makes a volume there that was gone.
	empty   map[string][]place
	staged  map[string]staged
	made    map[string]string // marks
	asideBy map[string]string // marks, by volume
	asideAt map[string]string // times, by volume
	// discarding is what was set aside and is being deleted.
	discarding map[string][]place
}

func noteName(name string) string { return name + "_etcdctr" }

// readNote reads a cluster's note among the configs of the swarm.
func readNote(name string, configs []swarm.Config) note {
	n := note{
		homes: map[string]home{}, aside: map[string][]place{}, empty: map[string][]place{}, staged: map[string]staged{},
		made: map[string]string{}, asideBy: map[string]string{}, asideAt: map[string]string{}, discarding: map[string][]place{},
	}
	i := slices.IndexFunc(configs, func(c swarm.Config) bool { return isNote(c, name) })
	if i < 0 {
		return n
	}
	c := configs[i]
	n.id, n.version, n.data = c.ID, c.Version, c.Spec.Data
	n.wish, n.folder = c.Spec.Labels[wishLabel], c.Spec.Labels[folderLabel]
	for label, value := range c.Spec.Labels {
		if server, ok := strings.CutPrefix(label, dataLabel); ok {
			if h, ok := readHome(value); ok {
				n.homes[server] = h
			}
		}
		if server, ok := strings.CutPrefix(label, stagedLabel); ok {
			line, mark, _ := strings.Cut(value, "\n")
			if h, ok := readHome(line); ok {
				n.staged[server] = staged{h, mark}
			}
		}
		if server, ok := strings.CutPrefix(label, madeLabel); ok {
			n.made[server] = value
		}
		if volume, ok := strings.CutPrefix(label, asideByLabel); ok {
			n.asideBy[volume] = value
		}
		if volume, ok := strings.CutPrefix(label, asideAtLabel); ok {
			n.asideAt[volume] = value
		}
		if server, ok := strings.CutPrefix(label, asideLabel); ok {
			n.aside[server] = readPlaces(value)
		}
		if server, ok := strings.CutPrefix(label, discardingLabel); ok {
			n.discarding[server] = readPlaces(value)
		}
		if server, ok := strings.CutPrefix(label, emptyLabel); ok {
			n.empty[server] = readPlaces(value)
		}
	}
	return n
}

func readPlaces(value string) []place {
	var places []place
	for line := range strings.Lines(value) {
		if f := strings.Fields(line); len(f) == 2 {
			places = append(places, place{f[0], f[1]})
		}
	}
	return places
}

func writePlaces(labels map[string]string, prefix string, of map[string][]place) {
	for server, places := range of {
		var lines []string
		for _, p := range places {
			lines = append(lines, p.String())
		}
		labels[prefix+server] = strings.Join(lines, "\n")
	}
}

func isNote(c swarm.Config, name string) bool {
	return c.Spec.Labels[noteLabel] != "" && c.Spec.Labels[compose.ClusterLabel] == name
}

func (n note) labels(name string) map[string]string {
	labels := map[string]string{noteLabel: "1", compose.ClusterLabel: name, wishLabel: n.wish, folderLabel: n.folder}
	for server, h := range n.homes {
		labels[dataLabel+server] = h.String()
	}
	for server, s := range n.staged {
		labels[stagedLabel+server] = s.String() + "\n" + s.mark
	}
	for server, mark := range n.made {
		labels[madeLabel+server] = mark
	}
	for _, places := range n.aside {
		for _, p := range places {
			if mark, ok := n.asideBy[p.volume]; ok {
				labels[asideByLabel+p.volume] = mark
			}
			if at, ok := n.asideAt[p.volume]; ok {
				labels[asideAtLabel+p.volume] = at
			}
		}
	}
	writePlaces(labels, asideLabel, n.aside)
	writePlaces(labels, discardingLabel, n.discarding)
	writePlaces(labels, emptyLabel, n.empty)
	return labels
}

// copied gives a note that can be edited without changing this one.
func (n note) copied() note {
	n.homes, n.aside, n.empty = maps.Clone(n.homes), maps.Clone(n.aside), maps.Clone(n.empty)
	n.staged, n.made, n.asideBy = maps.Clone(n.staged), maps.Clone(n.made), maps.Clone(n.asideBy)
	n.asideAt, n.discarding = maps.Clone(n.asideAt), maps.Clone(n.discarding)
	return n
}

// putAside notes that a volume is set aside of a server, when, and who has made what is in
// it.
func (n *note) putAside(server string, p place, at time.Time) {
	n.aside[server] = append(slices.Clone(n.aside[server]), p)
	n.asideAt[p.volume] = at.UTC().Format(time.RFC3339)
	if mark, ok := n.made[server]; ok {
		n.asideBy[p.volume] = mark
	}
	delete(n.made, server)
}

// moveHome notes where a server has its data from now on. What it had in another place, and
// that may be nowhere, is set aside.
func (n *note) moveHome(server string, was, is home, at time.Time) {
	if was.volume != "" && was.place != is.place {
		n.putAside(server, was.place, at)
	}
	n.homes[server] = is
}

// takeFromAside notes that a volume is set aside no more, and gives the mark of who has
// made what is in it.
func (n *note) takeFromAside(server string, p place) (mark string) {
	n.aside[server] = slices.DeleteFunc(slices.Clone(n.aside[server]), func(a place) bool { return a == p })
	mark = n.asideBy[p.volume]
	delete(n.asideBy, p.volume)
	delete(n.asideAt, p.volume)
	return mark
}

// discard notes that a volume that was set aside is being deleted.
func (n *note) discard(server string, p place) {
	n.takeFromAside(server, p)
	if !slices.Contains(n.discarding[server], p) {
		n.discarding[server] = append(slices.Clone(n.discarding[server]), p)
	}
}

// discarded notes that nothing is in it any more.
func (n *note) discarded(server string, p place) {
	n.discarding[server] = slices.DeleteFunc(slices.Clone(n.discarding[server]), func(d place) bool { return d == p })
	n.empty[server] = append(slices.Clone(n.empty[server]), p)
}

// use notes where a server has its data from now on, and the mark of who has made it.
func (n *note) use(server string, h home, mark string) {
	n.homes[server] = h
	delete(n.made, server)
	if mark != "" {
		n.made[server] = mark
	}
}

// knows reports whether a volume is noted as one that a server has, has had or is to have.
func (n note) knows(server, volume string) bool {
	places := slices.Concat(n.aside[server], n.empty[server], n.discarding[server])
	places = append(places, n.homes[server].place, n.staged[server].place)
	return slices.ContainsFunc(places, func(p place) bool { return p.volume == volume })
}

// noteHomes notes where services have their data that `docker stack deploy` has made: once
// `docker stack rm` has removed them, nothing else tells.
func (f *found) noteHomes(is *note) {
	for _, s := range f.services {
		server := f.server(s)
		if h, ok := f.home(server); ok {
			is.homes[server] = h
		}
	}
}

// write keeps the note, if it is another one than was read.
func (r *Runtime) write(ctx context.Context, name string, was, is note) error {
	labels := is.labels(name)
	if was.id == "" {
		spec := swarm.ConfigSpec{Annotations: swarm.Annotations{Name: noteName(name), Labels: labels}}
		spec.Data = []byte("What etcdctr keeps of the cluster " + name + " is in the labels of this config.\n")
		_, err := r.engine.ConfigCreate(ctx, client.ConfigCreateOptions{Spec: spec})
		if err != nil {
			return fmt.Errorf("note where the data of %s is: %w", name, err)
		}
		return nil
	}
	if maps.Equal(was.labels(name), labels) {
		return nil
	}
	_, err := r.engine.ConfigUpdate(ctx, was.id, client.ConfigUpdateOptions{
		Version: was.version, Spec: swarm.ConfigSpec{Annotations: swarm.Annotations{Name: noteName(name), Labels: labels}, Data: was.data},
	})
	if err != nil {
		return fmt.Errorf("note where the data of %s is: %w", name, err)
	}
	return nil
}

// drop removes the note.
func (r *Runtime) drop(ctx context.Context, n note) error {
	if n.id == "" {
		return nil
	}
	_, err := r.engine.ConfigRemove(ctx, n.id, client.ConfigRemoveOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// NoteData notes where services have their data of which it is not noted yet.
func (r *Runtime) NoteData(ctx context.Context, name string) error {
	f, err := r.find(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	is := f.note.copied()
	f.noteHomes(&is)
	if len(is.homes) == len(f.note.homes) {
		return nil
	}
	return r.write(ctx, name, f.note, is)
}

// Note keeps what the cluster is wanted as.
func (r *Runtime) Note(ctx context.Context, want *cluster.Cluster) error {
	f, err := r.find(ctx, want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	is := f.note.copied()
	is.wish = want.Spec.Wish()
	return r.write(ctx, want.Name, f.note, is)
}
