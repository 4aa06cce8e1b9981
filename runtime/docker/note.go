package docker

import (
	"context"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// This file keeps what a cluster was started with. The members' containers say
// it; where they are removed and the data stays, a note says it until there are
// containers again.

// noteKey is the name of the note's volume in its project.
const noteKey = "etcdctr-flags"

// volumesLabel notes the volumes of a cluster whose containers are gone, by their names
// in the Compose file.
const volumesLabel = "io.etcdctr.volumes"

// wish is what a cluster was started with, and where.
type wish struct{ text, folder string }

func (w wish) labels() map[string]string {
	return map[string]string{wishLabel: w.text, stack.FolderLabel: w.folder}
}

// said is what the newest of the members' containers says, and when it was made.
func (f *found) said() (w wish, since time.Time) {
	for _, c := range f.servers() {
		if c.Member() && !c.Created.Before(since) {
			w, since = wish{c.Labels[wishLabel], c.WorkingDir()}, c.Created
		}
	}
	return w, since
}

// wish is what was said last, by the members' containers or in the note. Without either the
// volumes say where the cluster was started that they were made for.
func (f *found) wish() wish {
	said, since := f.said()
	if n := f.note; n != nil && !n.Created.Before(since) {
		return wish{n.Labels[wishLabel], n.Labels[stack.FolderLabel]}
	}
	if since.IsZero() {
		said.folder = f.foundedIn()
	}
	return said
}

// foundedIn is the folder that the volumes with data tell of; empty where they don't agree,
// or tell of none.
func (f *found) foundedIn() string {
	folder := ""
	for _, v := range f.Own.Volumes {
		if !isOfServer(v) {
			continue
		}
		in := v.Labels[stack.FolderLabel]
		if in == "" || folder != "" && in != folder {
			return ""
		}
		folder = in
	}
	return folder
}

// Note keeps what the cluster is wanted as, where its containers do not say so.
func (r *Runtime) Note(ctx context.Context, want *cluster.Cluster) error {
	f, err := r.find(ctx, want.Name)
	if err != nil {
		return err
	}
	said, _ := f.said()
	switch wanted := (wish{want.Spec.Wish(), said.folder}); {
	case wanted == said && f.note == nil, wanted == f.wish() && wanted != said:
		return nil
	case wanted == said:
		return stack.RemoveNote(ctx, r.engine, want.Name, noteKey)
	default:
		return stack.WriteNote(ctx, r.engine, want.Name, noteKey, wanted.labels())
	}
}

// Tidy removes what interrupted replacements have left beside the servers.
func (r *Runtime) Tidy(ctx context.Context, name string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	return r.execute(ctx, stack.PlanTidy(f.Own))
}

// keepWish has the note say what the containers do, before they are removed and
// the data stays: what the cluster was started with and where, and which volumes are its
// own. Those that Docker Compose has made are known by the containers alone.
func (r *Runtime) keepWish(ctx context.Context, f *found) error {
	w := f.wish()
	var keys []string
	byName := false
	for _, v := range f.Own.Volumes {
		if strings.HasSuffix(v.Key, compose.VolumeName("")) {
			keys, byName = append(keys, v.Key), byName || !v.Own()
		}
	}
	if w.text == "" && !byName && w.folder == f.foundedIn() || len(f.Own.Containers) == 0 || len(keys) == 0 {
		return nil
	}
	labels := w.labels()
	labels[volumesLabel] = strings.Join(keys, ",")
	return stack.WriteNote(ctx, r.engine, f.project, noteKey, labels)
}

// notedVolumes are those that a note says are the cluster's.
func notedVolumes(volumes []stack.Volume) []string {
	for _, v := range volumes {
		if v.Key == noteKey && v.Own() && v.Labels[volumesLabel] != "" {
			return strings.Split(v.Labels[volumesLabel], ",")
		}
	}
	return nil
}
