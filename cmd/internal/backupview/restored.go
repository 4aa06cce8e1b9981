package backupview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// Restored tells what has become of a restoration.
func Restored(ctx context.Context, w *target.World, c *target.Found, format string, restored backup.Restored, err error) error {
	aside(w, c, restored.Aside)
	if errors.As(err, new(*etcdctr.UsersError)) {
		err = hints.With(err, "`%s` makes them so: where they are to be on, etcd lets nobody in but root until then", c.AgainUp())
		return hints.Interrupted(ctx, err, "%s has what was brought back, but for etcd's users: `%s` makes them as described", c.Name(), c.AgainUp())
	}
	if err != nil && ctx.Err() != nil {
		return hints.Interrupted(ctx, err, "%s", leftAt(context.WithoutCancel(ctx), c, restored))
	}
	if len(restored.Aside) > 0 {
		err = hints.With(err, "`etcdctr doctor` names the cause; restore can be run again, and `%s && %s` brings the former cluster back",
			c.Again("restore", "--undo"), c.AgainUp())
	}
	if err != nil {
		sayByHand(w.Console, err)
		return err
	}
	if restored.Overfull {
		w.Warn("its database takes more than quota-backend-bytes, and etcd refuses the first write: a larger one lets it go on")
	}
	w.Say("%s is restored: revision %d, %s of %s", c.Name(), restored.Revision, restored.Metadata.Time.Format(time.RFC3339), origin(restored.Metadata))
	Continued(w.Console, c.Spec(), restored.Metadata.Cluster)
	return errors.Join(c.WarnOfComposeFile(ctx), w.Result(format, restored, nil))
}

// sayByHand says what people do in its place where nothing was done.
func sayByHand(c *terminal.Console, err error) {
	if hand := (*etcdctr.ByHandError)(nil); errors.As(err, &hand) {
		for i, step := range hand.Steps {
			c.Say("by hand, %d: %s", i+1, step)
		}
	}
}

// leftAt says where a restoration was left, and what leads on from there.
func leftAt(ctx context.Context, c *target.Found, restored backup.Restored) string {
	switch ended, err := c.RestoreEnded(ctx, restored); {
	case err != nil:
		return fmt.Sprintf("how %s was left can't be seen (%v): `%s` tells", c.Name(), err, c.Again("doctor"))
	case ended.Bare:
		return fmt.Sprintf("nothing of %s is there: the same command begins anew", c.Name())
	case ended.Placed:
		return fmt.Sprintf("%s has what was brought back, and it was not waited until it serves: `%s` does that", c.Name(), c.AgainUp())
	case ended.Unfinished != nil:
		return hints.Of(hints.For("restore", ended.Unfinished))
	case len(ended.Idle) > 0:
		n := len(ended.Idle)
		return fmt.Sprintf("%s has the data that it had before, and %s %s not run: `%s` starts %s; the same command begins anew",
			c.Name(), listed.And(ended.Idle), listed.Of(n, "does", "do"), c.Again(append([]string{"start"}, ended.Idle...)...), listed.Of(n, "it", "them"))
	}
	return fmt.Sprintf("%s has the data that it had before: the same command begins anew", c.Name())
}

// Continued tells what becomes of the backups of a cluster that begins with those of
// another one.
func Continued(c *terminal.Console, spec cluster.Spec, of string) {
	switch name, to := spec.ClusterName(), spec.Backup.Destination; {
	case spec.BackupsOf() != "":
		c.Say("the backups in the cluster file are those of %s: %s takes none", spec.BackupsOf(), name)
	case to != "" && of != "" && of != name:
		c.Say("backups of %s go to %s; those of %s there, if any, are kept and deleted by themselves", name, to, of)
	}
}

// aside tells where the data of before is.
func aside(w *target.World, c *target.Found, data map[string]string) {
	var servers, places []string
	for _, server := range slices.Sorted(maps.Keys(data)) {
		servers, places = append(servers, server), append(places, target.ShortPath(data[server]))
	}
	if len(data) > 0 {
		w.Say("the former data of %s is in %s: `%s` brings it back; `%s` deletes it once nobody needs it",
			strings.Join(servers, ", "), strings.Join(places, ", "), c.Again("restore", "--undo"), c.Again("restore", "--discard"))
	}
}
