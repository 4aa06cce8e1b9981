package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
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
	f := a.Finding(cmd)
	f.Bears = true
	typed.AddFormat(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runDoctor(cmd.Context(), a, f, format)
	}
	return cmd
}

func runDoctor(ctx context.Context, a *app, f *target.Flags, format string) error {
	c, err := f.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	d, err := c.Examine(ctx, f.Examination())
	if err != nil {
		return c.Unanswered(ctx, err)
	}
	if !d.Healthy && c.Changing(ctx) {
		a.Warn("another etcdctr is changing %s: what is wrong may be its doing", c.Name())
	}
	return a.tellDiagnosis(d, format)
}

func (a *app) tellDiagnosis(d etcdctr.Diagnosis, format string) error {
	err := a.Result(format, d, func() { a.printDiagnosis(d) })
	if err == nil && !d.Healthy {
		err = exitStatus(exitFailure)
	}
	return err
}

func (a *app) printDiagnosis(d etcdctr.Diagnosis) {
	terminal.WarnAll(a.Console, d.Warnings)
	for _, remark := range d.Remarks {
		a.Say("%s", remark)
	}
	switch {
	case d.Healthy && len(d.Warnings) > 0:
		a.Say("healthy, with warnings")
	case d.Healthy:
		a.Say("healthy: nothing to put right")
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
			fmt.Fprintf(a.Out, "%s  %s\n", line.what, a.Tint(line.colour, a.Voice.Retyped(line.text)))
		}
	}
}
