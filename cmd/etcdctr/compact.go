package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/member"
)

type compactOptions struct {
	cluster *target.Flags
	older   time.Duration
	recover bool
	all     bool
	format  string
}

func newCompactCommand(a *app) *cobra.Command {
	var o compactOptions
	cmd := &cobra.Command{
		Use:   "compact [REVISION]",
		Short: "Forget old revisions, and recover from a full database",
		Long: `compact has the cluster forget the history of its keys before a REVISION, or before
the newest one where none is given. The keys themselves stay. From then on etcd
refuses to read at an older revision, or to watch from one. It returns once the history
is dropped: its room in the members' files is free for new writes, and the files are
as large as before until ` + "`etcdctr defrag`" + `.

--older-than keeps the history of that time. Which revision is how old etcd does not
tell: the backups do that the cluster file asks for, to some seconds where they are
continuous, and else to the time of one of them. What is younger always stays.

--recover ends the alarm NOSPACE, which stops all writes once a member's file has
reached its quota: it compacts, defragments the members one by one, the leader last
and after another leads, and drops the alarm. A quota that was raised is enough, too:
then only the alarm is dropped. No client that knows all members sees a failure.`,
		Example: `  etcdctr compact
  etcdctr compact 4000
  etcdctr compact --older-than 1h
  etcdctr compact --recover`,
		Args: typed.AtMost("REVISION"),
		RunE: with(a, &o, runCompact),
	}
	o.cluster = a.Finding(cmd)
	typed.AddFormat(cmd, &o.format)
	cmd.Flags().DurationVar(&o.older, "older-than", 0, "forget what is older than that, such as 1h, as the backups know it")
	cmd.Flags().BoolVar(&o.recover, "recover", false, "defragment the members as well, and drop the alarm NOSPACE")
	cmd.Flags().BoolVar(&o.all, "all", false, "with --recover, defragment also members of which little is free")
	return cmd
}

func runCompact(ctx context.Context, a *app, o compactOptions, args []string) error {
	var revision int64
	if len(args) == 1 {
		var err error
		if revision, err = strconv.ParseInt(args[0], 10, 64); err != nil || revision < 1 {
			return usage(fmt.Errorf("%q is no revision: write a number from 1 on", args[0]))
		}
	}
	if o.all && !o.recover {
		return usage(errors.New("--all goes with --recover"))
	}
	aged := o.cluster.Changed("older-than")
	if aged && (len(args) == 1 || o.older <= 0) {
		return usage(errors.New("--older-than takes a time such as 1h, and the place of a REVISION"))
	}
	if o.cluster.Bears = true; aged {
		o.cluster.Minds = []string{"backup"} // which tell what is how old
	}
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	how := etcdctr.Compaction{Revision: revision, Recover: o.recover, Reclaiming: member.Reclaiming{All: o.all, Tell: a.sayReclaimed}}
	if aged {
		how.Before = a.Now().Add(-o.older)
		how.Known = func(revision int64, at time.Time) {
			a.Say("revision %d is of %s: what came after it is kept", revision, at.Format(time.RFC3339))
		}
	}
	r, err := c.Compact(ctx, how)
	if err != nil {
		return c.Unanswered(ctx, err)
	}
	a.sayCompacted(r, o.recover)
	return a.Result(o.format, r, nil)
}

func (a *app) sayCompacted(r member.Recovery, recovered bool) {
	alarms := "there was no alarm"
	if len(r.Disarmed) > 0 {
		alarms = terminal.Plural(len(r.Disarmed), "alarm") + " dropped"
	}
	if recovered {
		a.Say("compacted to revision %d, %s: it takes writes", r.Revision, alarms)
		return
	}
	a.Say("compacted to revision %d: `etcdctr defrag` gives the free pages back to the disk", r.Revision)
}

// sayReclaimed tells how one member fares.
func (a *app) sayReclaimed(r member.Reclaimed) {
	switch {
	case r.Now:
		a.Say("defragment %s: %s", r.Name, terminal.HumanBytes(r.Before))
	case r.Left:
		a.Say("%s stays as it is: less than half of its %s is free", r.Name, terminal.HumanBytes(r.Before))
	default:
		a.Say("%s took %s and takes %s", r.Name, terminal.HumanBytes(r.Before), terminal.HumanBytes(r.After))
	}
}
