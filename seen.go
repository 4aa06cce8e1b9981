package etcdctr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps, beside the place of a cluster, how far it had come when it was seen to
// serve. Its ID does not tell it from one that was founded anew by the same file: etcd makes
// that of the members' URLs and of the token. But terms and entries of its log are only ever
// more, and where the leader has ended, the next one is of a later term and begins it with
// an entry of its own.

// seen is how far a cluster had come.
type seen struct {
	Cluster  string `json:"cluster"` // etcd's ID, in hexadecimal
	Term     uint64 `json:"term"`
	Index    uint64 `json:"index"` // of the last entry that its leader had carried out
	Revision int64  `json:"revision"`
	// Leader is the server that led, and Since when it was started; zero where that is
	// not known.
	Leader string    `json:"leader"`
	Since  time.Time `json:"since,omitzero"`
	// Restored is the ID of the restoration that had made what its members had; empty for
	// none.
	Restored string `json:"restored,omitempty"`
}

// seenIn is how far the members of a view have come; false where no leader serves, and where
// those of several clusters answer: which of them is meant is told of by others.
func seenIn(v member.View) (seen, bool) {
	e, ok := v.Elected()
	if !ok || !e.Serves() || len(v.Clusters()) > 1 {
		return seen{}, false
	}
	return seen{Cluster: e.Cluster.String(), Term: e.Term, Index: e.Applied, Revision: e.Revision, Leader: e.Name}, true
}

// another tells that a cluster that is seen now is not the one that was seen before. Ended
// says that whoever led then had ended before it was looked at.
func (s seen) another(now seen, ended bool) bool {
	back := now.Term < s.Term || now.Index < s.Index || now.Revision < s.Revision
	stood := now.Term == s.Term || now.Index == s.Index
	return s.Cluster != now.Cluster || back || ended && stood
}

// ended tells that the process that led has ended: another one runs in its place.
func (s seen) ended(have *runtime.State) bool {
	started := startOf(have, s.Leader)
	return !s.Since.IsZero() && !started.IsZero() && !started.Equal(s.Since)
}

// startOf is when a server was started that runs; zero where that is not known.
func startOf(have *runtime.State, server string) time.Time {
	if x, _ := have.Server(server); x.Status == runtime.Running {
		return x.Since
	}
	return time.Time{}
}

// AnotherError is the error of a cluster that serves and is not the one that has served
// before: something else than what was run in this folder has deleted or exchanged its data.
type AnotherError struct {
	Name string
	// Was is the revision that it had, and Is the one that it has.
	Was, Is int64
	// Backups is where its backups go; empty where nobody says.
	Backups string
}

func (e *AnotherError) Error() string {
	return fmt.Sprintf("%s is not the cluster that has served before: the data that it had, of revision %d or later, is gone or was exchanged for other, of revision %d, and not from this folder", e.Name, e.Was, e.Is)
}

// GoneError is the runtime.ErrNotFound of a cluster that has served, and that nobody has
// deleted from this folder.
type GoneError struct{ Name, Backups string }

func (e *GoneError) Error() string {
	return e.Name + " is gone, and has served before: neither what ran it is there nor its data, and it was not deleted from this folder"
}

// Is makes it a runtime.ErrNotFound.
func (e *GoneError) Is(target error) bool { return target == runtime.ErrNotFound }

// Restore is the command that brings back what was backed up.
func (e *AnotherError) Restore() string { return Typed(restoring(e.Backups)) }

// Remedy is what can be done about it before Make has told of it.
func (e *AnotherError) Remedy() string {
	return fmt.Sprintf("`%s` brings back what a backup holds; `etcdctr up` tells of it once more, and then goes by the one that is there", e.Restore())
}

// Remedy is what can be done about it.
func (e *GoneError) Remedy() string {
	return fmt.Sprintf("`%s` brings back what a backup holds; `etcdctr up` founds a new and empty one, and `etcdctr down --volumes` has nobody miss it", Typed(restoring(e.Backups)))
}

// restoring are the arguments of etcdctr that bring back what backups hold.
func restoring(backups string) []string {
	if backups == "" {
		return []string{"restore"}
	}
	return []string{"restore", backups}
}

// missed is a *ProcfileError for that a cluster is not there, if its members' data is that of
// a Procfile, and a *GoneError if it has served on what would run it now, and that sees
// whether its data is there.
func (c *Cluster) missed(ctx context.Context, err error) error {
	if !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	if byProcfile := c.procfile(); byProcfile != nil {
		return byProcfile
	}
	noted := c.o.placesLines(c.spec.ClusterName())
	for _, r := range c.o.Runtimes {
		if accepts(cluster.Runtime(c.spec.Runtime), r.Name()) && runtime.SeesData(r) && slices.Contains(noted, servedOn(r, c.o)) && !c.isAnother(ctx, r) {
			return &GoneError{c.spec.ClusterName(), c.spec.Backup.Destination}
		}
	}
	return err
}

// seenBegins is how the line begins that says what was seen, before the place.
func (c *Cluster) seenBegins() string { return c.runtime.Name() + " seen " }

func (c *Cluster) isSeen(line string) bool {
	return strings.HasPrefix(line, c.seenBegins()) && strings.HasSuffix(line, "} "+c.o.StepsOf(c.runtime))
}

// lastSeen is what was noted; false where nothing is.
func (c *Cluster) lastSeen() (s seen, noted bool) {
	lines := c.o.placesLines(c.spec.ClusterName())
	i := slices.IndexFunc(lines, c.isSeen)
	if i < 0 {
		return s, false
	}
	text := strings.TrimSuffix(strings.TrimPrefix(lines[i], c.seenBegins()), " "+c.o.StepsOf(c.runtime))
	return s, json.Unmarshal([]byte(text), &s) == nil
}

// unsee forgets how far the cluster had come, before its data is exchanged from here. What
// can't be written in this folder was not noted there either.
func (c *Cluster) unsee() {
	name := c.spec.ClusterName()
	lines := c.o.placesLines(name)
	if left := slices.DeleteFunc(slices.Clone(lines), c.isSeen); len(left) < len(lines) {
		_ = c.o.writePlaces(name, left)
	}
}

// judgeSeen is an *AnotherError where the members of a view are not the cluster that has
// served: have is what was there before they were asked.
func (c *Cluster) judgeSeen(ctx context.Context, have *runtime.State, v member.View) error {
	was, noted := c.lastSeen()
	now, serves := seenIn(v)
	if !noted || !serves || !was.another(now, was.ended(have)) || !c.isToBeTheSame(have) || c.isOnAnother(ctx) {
		return nil
	}
	if by := c.restoredBy(ctx, have); by != "" && by != was.Restored {
		c.restored = by
		return nil
	}
	return &AnotherError{c.spec.ClusterName(), was.Revision, now.Revision, c.spec.Backup.Destination}
}

// isToBeTheSame tells whether a cluster is to be the one that was there before: not one of
// another folder, nor one that takes over what something else has started.
func (c *Cluster) isToBeTheSame(have *runtime.State) bool {
	here := have == nil || have.Folder == "" || have.StartedIn(c.o.Folder)
	return here && c.spec.Adopts == ""
}

// restoredBy is the ID of the last restoration that has made what members have; empty for
// none. It may have been ended before it could note that, or have come from another folder.
// One that is known already excuses nothing: a swarm says of volumes what was put into them,
// whatever is in them by now.
func (c *Cluster) restoredBy(ctx context.Context, have *runtime.State) string {
	s, ok := c.runtime.(runtime.Stager)
	if !ok {
		return ""
	}
	var last runtime.Restoration
	for _, m := range have.Members() {
		if by, err := s.MadeBy(ctx, have.Name, m.Name); err == nil && by != nil && by.Number >= last.Number {
			last = *by
		}
	}
	return last.ID
}

// noteSeen notes that the cluster serves, and how far it has come, where its data is to be
// missed: what is kept in memory is not. Nothing is noted in a folder that can't be written
// to, nor where somebody has changed the lines that were there before the members were asked:
// what was seen of them may be gone since.
func (c *Cluster) noteSeen(ctx context.Context, v member.View, before []string) {
	now, serves := seenIn(v)
	if !serves || c.o.PlacesDir == "" {
		return
	}
	have, err := c.Observe(ctx) // after they were asked: a leader that was started since has not led yet
	if err != nil || forgets(have) || !slices.Equal(before, c.o.placesLines(c.spec.ClusterName())) {
		return
	}
	if have.StartedIn(c.o.Folder) && c.notePlace() != nil || c.noteServed(ctx) != nil || !c.hasServed() {
		return
	}
	now.Since = startOf(have, now.Leader)
	switch was, noted := c.lastSeen(); {
	case c.restored != "":
		now.Restored = c.restored
	case noted:
		now.Restored = was.Restored
	default:
		now.Restored = c.restoredBy(ctx, have)
	}
	c.writeSeen(now)
}

// writeSeen has what is seen take the place of what was.
func (c *Cluster) writeSeen(now seen) {
	data, err := json.Marshal(now)
	if err != nil {
		return // it is some words and numbers
	}
	name := c.spec.ClusterName()
	lines := slices.DeleteFunc(c.o.placesLines(name), c.isSeen)
	_ = c.o.writePlaces(name, append(lines, c.seenBegins()+string(data)+" "+c.o.StepsOf(c.runtime)))
}

// Notice notes how far the cluster has come, as noteSeen does, for who uses it and does not
// judge it: one that is founded anew is not told from it by anything else. Another than the
// one that is noted is left to who judges it.
func (c *Cluster) Notice(ctx context.Context) {
	if c.o.PlacesDir == "" || c.runtime == nil {
		return
	}
	before := c.o.placesLines(c.spec.ClusterName())
	have, err := c.Observe(ctx)
	if err != nil {
		return
	}
	if v, err := c.lookOnce(ctx, have); err == nil && c.judgeSeen(ctx, have, v) == nil {
		c.noteSeen(ctx, v, before)
	}
}

// noteRestored notes how far a cluster has come that has its data from a backup.
func (c *Cluster) noteRestored(ctx context.Context) {
	before := c.o.placesLines(c.spec.ClusterName())
	if have, err := c.Observe(ctx); err == nil {
		if v, err := c.lookOnce(ctx, have); err == nil {
			c.noteSeen(ctx, v, before)
		}
	}
}

// forgets tells whether members lose their data when they stop.
func forgets(have *runtime.State) bool {
	return slices.ContainsFunc(have.Members(), func(s runtime.Server) bool { return s.Data == runtime.Volatile })
}
