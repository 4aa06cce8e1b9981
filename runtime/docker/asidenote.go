package docker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client/pkg/versions"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// This file notes what was set aside in the volumes of servers, for whoever looks at the
// cluster: only a container could look into them, and who asks for health waits for none.
// What is in the volumes is what counts. The note may tell less than there is, such as of
// what an earlier release has set aside, and whoever lists the volumes puts it right.

// asideKey is the name of that note's volume in its project.
const asideKey = "etcdctr-aside"

// asideLabel and the server: when its volume was made, and then what was set aside, the
// newest first, line by line.
const asideLabel = "io.etcdctr.aside."

// noted is what was set aside of a server by the note.
type noted struct {
	made    string // when the volume was, in which it is: one of the same name may be new
	folders []string
	// restored is the folder of which a restoration has taken the place.
	restored string
}

const restoredMark = " restored"

func readNoted(value string) noted {
	made, rest, _ := strings.Cut(value, "\n")
	n := noted{made: made}
	for line := range strings.Lines(rest) {
		folder, restored := strings.CutSuffix(strings.TrimSuffix(line, "\n"), restoredMark)
		n.folders = append(n.folders, folder)
		if restored {
			n.restored = folder
		}
	}
	return n
}

func (n noted) String() string {
	lines := []string{n.made}
	for _, folder := range n.folders {
		if folder == n.restored {
			folder += restoredMark
		}
		lines = append(lines, folder)
	}
	return strings.Join(lines, "\n")
}

// isNote tells the volumes that are there for their labels.
func isNote(v stack.Volume) bool { return v.Key == noteKey || v.Key == asideKey }

// noteOf is the note of a key; nil when there is none.
func (f *found) noteOf(key string) *stack.Volume {
	i := slices.IndexFunc(f.Own.Volumes, func(v stack.Volume) bool { return v.Key == key })
	if i < 0 {
		return nil
	}
	return &f.Own.Volumes[i]
}

// datesVolumes tells of an engine that says when a volume was made. One of before API 1.44
// may say when it has changed last: of such a one it is not known whether a volume is another
// than the note is about, until it is listed.
func (r *Runtime) datesVolumes() bool {
	return versions.GreaterThanOrEqualTo(r.engine.ClientVersion(), "1.44")
}

// madeAt is when the volume of a server was made, as the note has it; empty where that is
// not known.
func (f *found) madeAt(h home) string {
	for _, v := range f.Own.Volumes {
		if f.dated && v.Name == h.store.Volume {
			return v.Created.UTC().Format(time.RFC3339Nano)
		}
	}
	return ""
}

// asideNoted is what the note tells of servers whose volumes are there, and has not gone.
func (f *found) asideNoted() map[string]noted {
	all := f.asideWritten()
	for server, n := range all {
		n.folders = slices.DeleteFunc(n.folders, func(folder string) bool { return slices.Contains(f.gone[server], folder) })
		all[server] = n
	}
	return all
}

// goneAside is what the note has of volumes that may be others by now, as the engine does not
// say when they were made, and is in none: whoever takes a cluster away with Docker Compose
// leaves the note. It is looked for in containers that there are; of others the note counts,
// and so it does where nothing can be known.
func (r *Runtime) goneAside(ctx context.Context, f *found) map[string][]string {
	gone := map[string][]string{}
	if f.dated {
		return gone
	}
	for server, n := range f.asideWritten() {
		h, _ := f.home(server) // in which they are
		for _, folder := range n.folders {
			if h.container == "" {
				continue
			}
			if there, known, err := r.inContainer(ctx, h, folder); err == nil && known && !there {
				gone[server] = append(gone[server], folder)
			}
		}
	}
	return gone
}

// asideWritten is what is in the note of servers whose volumes are there.
func (f *found) asideWritten() map[string]noted {
	all := map[string]noted{}
	note := f.noteOf(asideKey)
	if note == nil {
		return all
	}
	for label, value := range note.Labels {
		server, is := strings.CutPrefix(label, asideLabel)
		if !is {
			continue
		}
		h, there := f.home(server)
		if n := readNoted(value); there && h.store.Given() && n.made == f.madeAt(h) {
			all[server] = n
		}
	}
	return all
}

// asideTold is what the note tells, as a State has it.
func (f *found) asideTold() []runtime.Aside {
	all := f.asideNoted()
	var told []runtime.Aside
	for _, server := range slices.Sorted(maps.Keys(all)) {
		for _, folder := range all[server].folders {
			told = append(told, f.aside(server, folder, all[server]))
		}
	}
	return told
}

// aside is data that was set aside of a server, of which there is a note.
func (f *found) aside(server, folder string, n noted) runtime.Aside {
	h, _ := f.home(server) // in which it is
	return runtime.Aside{
		Server: server, Where: h.at(folder), Time: datadir.AsideSince(h.dir, folder),
		Lent: f.isLent(h), Beside: true, Restored: n.restored == folder,
	}
}

// noteAside has the note of a server say what edit makes of it. That it can't be written
// ends nothing: what is set aside is there all the same.
func (r *Runtime) noteAside(ctx context.Context, name, server string, edit func(noted) noted) {
	r.noting.Lock()
	defer r.noting.Unlock()
	f, err := r.find(ctx, name)
	if err != nil {
		return
	}
	h, there := f.home(server)
	all := f.asideNoted()
	if _, known := all[server]; !known && !there {
		return
	}
	all[server] = edit(noted{f.madeAt(h), all[server].folders, all[server].restored})
	_ = r.writeAside(ctx, f, all)
}

// writeAside has the note say no more and no less, if it says something else.
func (r *Runtime) writeAside(ctx context.Context, f *found, all map[string]noted) error {
	labels := map[string]string{}
	for server, n := range all {
		if len(n.folders) > 0 {
			labels[asideLabel+server] = n.String()
		}
	}
	was := map[string]string{}
	if note := f.noteOf(asideKey); note != nil {
		for label, value := range note.Labels {
			if strings.HasPrefix(label, asideLabel) {
				was[label] = value
			}
		}
	}
	switch {
	case maps.Equal(was, labels):
		return nil
	case len(labels) == 0:
		return stack.RemoveNote(ctx, r.engine, f.project, asideKey)
	}
	return stack.WriteNote(ctx, r.engine, f.project, asideKey, labels)
}

// putAside notes that a folder was set aside, and whether a restoration takes the place.
func (r *Runtime) putAside(ctx context.Context, name, server, folder string, restored bool) {
	r.noteAside(ctx, name, server, func(n noted) noted {
		n.folders, n.restored = append([]string{folder}, n.folders...), ""
		if restored {
			n.restored = folder
		}
		return n
	})
}

// takeFromAside notes that a folder is set aside no more, before that is so.
func (r *Runtime) takeFromAside(ctx context.Context, name, server, folder string) {
	r.noteAside(ctx, name, server, func(n noted) noted {
		n.folders = slices.DeleteFunc(slices.Clone(n.folders), func(x string) bool { return x == folder })
		return n
	})
}

// forgetAside notes that nothing of some servers is set aside: their data goes.
func (r *Runtime) forgetAside(ctx context.Context, name string, servers []string) {
	for _, server := range servers {
		r.noteAside(ctx, name, server, func(n noted) noted { return noted{made: n.made} })
	}
}
