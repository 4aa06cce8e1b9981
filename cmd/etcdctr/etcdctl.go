package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/forward"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/runtime"
)

func newEtcdctlCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcdctl [FLAGS THAT DESCRIBE THE CLUSTER] [--] ETCDCTL'S COMMAND AND FLAGS",
		Short: "Run etcdctl against the stack, though it publishes no port",
		Long: `etcdctl runs the real etcdctl, which this program carries, with the stack's
endpoints and its admin client's certificate. Members are named as they name
each other, and reached through the Docker API where there is no other way, see
connect. etcdctl's own flags win: an endpoint outside the stack is dialled from
this machine.`,
		Example: `  etcdctr etcdctl member list
  etcdctr etcdctl --name orders endpoint status --cluster -w table
  etcdctr etcdctl put greeting hello
  etcdctr etcdctl watch --prefix ""`,
		DisableFlagParsing: true, // most of them are etcdctl's
	}
	flags := a.Finding(cmd)
	flags.Bears = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		own, rest := typed.SplitArgs(cmd.Flags(), args)
		if len(own) == 0 && len(rest) > 0 && (rest[0] == "--help" || rest[0] == "-h") {
			return cmd.Help()
		}
		if err := cmd.Flags().Parse(own); err != nil {
			return usage(err)
		}
		if late := typed.Misplaced(cmd.Flags(), rest); len(late) > 0 {
			return withHint(usage(fmt.Errorf("%s: is a flag of etcdctr's, and what stands from etcdctl's command on is etcdctl's", late[0])),
				"`etcdctr etcdctl %s`", shellword.Line(slices.Concat(own, late, typed.LessThese(rest, late))...))
		}
		return a.runEtcdctl(cmd.Context(), flags, rest)
	}
	return cmd
}

func (a *app) runEtcdctl(ctx context.Context, f *target.Flags, args []string) error {
	c, err := f.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	way, err := c.Connect(ctx)
	if err != nil {
		return c.Unanswered(ctx, err)
	}
	defer a.CloseWay(way)
	ctl, err := forward.ForEtcdctl(ctx, way, way.CertsDir, etcdctr.AdminClient, args, os.Environ())
	if err != nil {
		return err
	}
	defer ctl.Close()
	if err := way.Idle(); err != nil && ctl.Asks {
		return c.Meanwhile(ctx, withHint(err, "%s", idleHelp(f, err)))
	}
	code, err := a.Run(ctx, "etcdctl", ctl.Args, ctl.Env)
	if code != 0 && ctx.Err() == nil && ctl.Asks {
		a.hintOfSilence(ctx, f, c)
	}
	if code == 0 && err == nil && ctx.Err() == nil && ctl.Asks {
		c.Notice(ctx)
	}
	return ended(ctx, code, err)
}

// idleHelp is what helps where no member runs.
func idleHelp(f *target.Flags, err error) string {
	var idle *etcdctr.IdleError
	if errors.As(err, &idle) && idle.Startable {
		return fmt.Sprintf("`%s` starts them", f.Again("start"))
	}
	return fmt.Sprintf("`%s` tells what helps", f.Again("doctor"))
}

// hintOfSilence says who does not serve once etcdctl has failed, which tells only that its
// time was up.
func (a *app) hintOfSilence(ctx context.Context, f *target.Flags, c *target.Found) {
	all, err := c.Standings(ctx)
	if err != nil {
		return // etcdctl has said what it knows
	}
	forgotten := func(etcdctr.Standing) bool { return false }
	if m := c.Spec().Members; m.Count > 0 || len(m.List) > 0 {
		if want, err := c.Want(ctx); err == nil {
			forgotten = func(s etcdctr.Standing) bool { // it has left the cluster, and its data
				return s.Status == runtime.Absent && !slices.ContainsFunc(want.Members, func(m cluster.Member) bool { return m.Name == s.Name })
			}
		}
	}
	var silent []string
	for _, s := range all {
		if s.Role == runtime.Member && !forgotten(s) && s.Health != etcdctr.Healthy && s.Health != etcdctr.Learner {
			silent = append(silent, s.Name)
		}
	}
	switch {
	case len(silent) == 0:
	case c.Changing(ctx):
		a.Voice.Say(terminal.Hint, fmt.Sprintf("another etcdctr is changing %s: run this again once that is done", c.Name()))
	default:
		a.Voice.Say(terminal.Hint, fmt.Sprintf("no read is answered by %s: `%s` tells why, and what helps", strings.Join(silent, ", "), f.Again("doctor")))
	}
}
