package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/forward"
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
	flags := addFindingFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		own, rest := splitArgs(cmd.Flags(), args)
		if len(own) == 0 && len(rest) > 0 && (rest[0] == "--help" || rest[0] == "-h") {
			return cmd.Help()
		}
		if err := cmd.Flags().Parse(own); err != nil {
			return usage(err)
		}
		return a.runEtcdctl(cmd.Context(), flags, rest)
	}
	return cmd
}

// splitArgs takes the leading flags that flags knows off args. etcdctl has none
// of the same names.
func splitArgs(flags *pflag.FlagSet, args []string) (own, rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return args[:i], args[i+1:]
		}
		name, _, hasValue := strings.Cut(args[i], "=")
		flag := lookup(flags, name)
		if flag == nil || flag.Name == "help" {
			return args[:i], args[i:]
		}
		if !hasValue && flag.NoOptDefVal == "" {
			i++ // its value
		}
	}
	return args, nil
}

func lookup(flags *pflag.FlagSet, arg string) *pflag.Flag {
	if name, long := strings.CutPrefix(arg, "--"); long {
		return flags.Lookup(name)
	}
	if short, ok := strings.CutPrefix(arg, "-"); ok && len(short) == 1 {
		return flags.ShorthandLookup(short)
	}
	return nil
}

func (a *app) runEtcdctl(ctx context.Context, f *clusterFlags, args []string) error {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	way, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer a.closeWay(way)
	ctl, err := forward.ForEtcdctl(ctx, way, c.CertsDir(), etcdctr.AdminClient, args, os.Environ())
	if err != nil {
		return err
	}
	defer ctl.Close()
	return a.runProgram(ctx, "etcdctl", ctl.Args, ctl.Env)
}

// runProgram runs this very binary under the name of one of the programs that
// it carries.
func (a *app) runProgram(ctx context.Context, name string, args, env []string) error {
	self, err := thisProgram()
	if err != nil {
		return err
	}
	const patience = 5 * time.Second
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{name}, args...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.voice.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err = cmd.Run()
	if ctx.Err() != nil {
		return exitStatus(exitInterrupted) // as it has said itself, if there was something to say
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitStatus(exit.ExitCode())
	}
	return err
}
