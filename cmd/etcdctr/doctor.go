package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
)

func newDoctorCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Name the cause of a stack that does not come up, and a command for it",
		Long: `doctor looks at the members' containers or processes, at their logs and at what
they answer, and names one cause and one command that puts it right: the cause that explains
the others. It exits with 0 if there is nothing to put right.`,
		Args: typed.NoArgs,
	}
	f := addFindingFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runDoctor(cmd.Context(), a, f, format)
	}
	return cmd
}

func runDoctor(ctx context.Context, a *app, f *clusterFlags, format string) error {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	d, err := c.Examine(ctx, f.examination())
	if err != nil {
		return err
	}
	return a.tellDiagnosis(d, format)
}

func (a *app) tellDiagnosis(d etcdctr.Diagnosis, format string) error {
	err := a.result(format, d, func() { a.printDiagnosis(d) })
	if err == nil && !d.Healthy {
		err = exitStatus(exitFailure)
	}
	return err
}

func (a *app) printDiagnosis(d etcdctr.Diagnosis) {
	warnAll(a, d.Warnings)
	switch {
	case d.Healthy && len(d.Warnings) > 0:
		a.say("healthy, with warnings")
	case d.Healthy:
		a.say("healthy: nothing to put right")
	}
	cause := ""
	if !d.Healthy {
		cause = d.Member + ": " + d.Cause
	}
	for _, line := range []struct {
		what, text string
		colour     text.Colors
	}{{"cause  ", cause, terminal.Bad}, {"command", d.Command, terminal.Good}, {"by hand", d.ByHand, nil}, {"seen   ", d.Evidence, nil}} {
		if line.text != "" && !d.Healthy {
			fmt.Fprintf(a.out, "%s  %s\n", line.what, a.tint(line.colour, line.text))
		}
	}
}

// examination has the doctor's commands be about the same cluster.
func (f *clusterFlags) examination() etcdctr.Examination {
	x := etcdctr.Examination{
		Flags: typedAgain(f), CertsFlags: typedAgain(f, certsFlags...), Wanted: typedAgain(f, fileComposeFlag),
		Detached: []string{"--detach"},
	}
	x.Command = func(verb string) string { return f.again(verb) }
	return x
}

// again is a command about the same cluster.
func (f *clusterFlags) again(words ...string) string {
	return strings.Join(slices.Concat([]string{"etcdctr"}, words, typedAgain(f)), " ")
}

// certsFlags are those that find a cluster's certificates.
var certsFlags = []string{"file", "certs-dir"}

// typedAgain gives the flags that the cluster was described with, all or some
// of them, for another command line.
func typedAgain(f *clusterFlags, only ...string) []string {
	return flagsAgain(f, compose.QuoteShell, only...)
}

// flagsAgain gives them with their values as quote writes them.
func flagsAgain(f *clusterFlags, quote func(string) string, only ...string) []string {
	if len(only) == 0 {
		only = append(only, certsFlags...)
		for _, k := range cluster.Keys() {
			only = append(only, k.Name)
		}
	}
	var words []string
	f.cmd.Flags().Visit(func(f *pflag.Flag) {
		value := quote(f.Value.String())
		switch {
		case !slices.Contains(only, f.Name):
		case f.NoOptDefVal != "": // what follows behind a space is no value
			words = append(words, "--"+f.Name+"="+value)
		default:
			words = append(words, "--"+f.Name, value)
		}
	})
	return words
}
