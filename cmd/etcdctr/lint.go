package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/lint"
)

type lintOptions struct {
	lint.Query
	running []string
	failOn  string
	format  string
	explain string
	fix     bool
	dryRun  bool
}

func newLintCommand(a *app) *cobra.Command {
	o := lintOptions{failOn: string(lint.Error), format: typed.TableFormat}
	cmd := &cobra.Command{
		Use:   "lint [FILE|FOLDER]...",
		Short: "Say what is wrong with any description of an etcd, and put it right",
		Long: `lint reads what others wrote, finds the members of etcd in it and judges them by
what etcd, its releases and containers are known to do: Compose files, environment
files, the JSON of ` + "`docker inspect`" + `, Procfiles, systemd units, etcd's own
configuration files, and with --running a project or a container that runs.
Without a FILE it looks for the Compose file of the current folder, or its Procfile.
Several -f are one project, each over those before it.

Every finding has a rule, and a severity: an error loses data, opens a port or
forms several clusters; a warning fails some day, or at once; a note could be
better. --explain RULE says more; docs/lint.md lists them all. --off RULE switches one
off, and so does this in a Compose file, or in a service of it:

    x-etcdctr-lint: [RULE]

--fix writes what can be put right by a rule of thumb, and shows who is cut off by that,
such as clients on other machines, and what it changes. Comments, anchors and order
stay. --fix --dry-run only shows it, and the findings that it leaves.

It exits with 1 if there is a finding as bad as --fail-on, or worse, and with 2 if
there is nothing that it could judge.`,
		Example: `  etcdctr lint
  etcdctr lint -f compose.yaml -f compose.prod.yaml
  etcdctr lint --fix --dry-run docker-compose.yml
  etcdctr lint --format sarif > lint.sarif
  etcdctr lint --explain client-port-open`,
		RunE: with(a, &o, runLint),
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.Project, "file", "f", nil, "Compose file; several are one project")
	flags.StringArrayVar(&o.running, "running", nil, "judge the Compose project or the container of this name, as it is on the engine")
	flags.StringArrayVar(&o.EnvFiles, "env-file", nil, "file with the variables for Compose files, instead of .env")
	flags.StringSliceVar(&o.Off, "off", nil, "rules that are off, by their IDs")
	flags.StringVar(&o.Etcd, "etcd", "", "release of members whose description does not tell, such as 3.5.9")
	severities := append([]string{"none"}, typed.Words(lint.Severities())...)
	flags.Var(&typed.Choice{Value: &o.failOn, Of: severities}, "fail-on", "exit with 1 from this severity on: error, warning, note or none")
	flags.Var(&typed.Choice{Value: &o.format, Of: append([]string{typed.TableFormat}, lint.Formats()...)}, "format",
		"how the result looks: table, json, sarif or github")
	flags.StringVar(&o.explain, "explain", "", "say what a rule is about, and judge nothing")
	complete := cobra.FixedCompletions(lint.RuleIDs(), cobra.ShellCompDirectiveNoFileComp)
	for _, flag := range []string{"off", "explain"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete) // which fails for a flag that there is not
	}
	flags.BoolVar(&o.fix, "fix", false, "put right what can be, and show the difference")
	flags.BoolVar(&o.dryRun, "dry-run", false, "with --fix: only show the difference")
	return cmd
}

func runLint(ctx context.Context, a *app, o lintOptions, args []string) error {
	if o.explain != "" {
		text, err := lint.ExplainID(o.explain)
		if err != nil {
			return usage(err)
		}
		return a.Write("", []byte(text))
	}
	if o.dryRun && !o.fix {
		return usage(errors.New("--dry-run has no effect without --fix"))
	}
	o.Paths, o.Stdin = args, a.In
	inputs, options, err := o.Read()
	if err != nil {
		return usage(err)
	}
	users := map[string]string{}
	options.ImageUser = func(image string) string {
		if _, asked := users[image]; !asked {
			users[image] = a.imageUser(ctx, image)
		}
		return users[image]
	}
	if inputs, err = o.further(ctx, a, inputs); err != nil {
		return err
	}
	result, err := lint.Judge(inputs, options)
	if err != nil {
		return usage(err)
	}
	if o.fix {
		if err := a.fixFindings(result.Findings, o.dryRun); err != nil {
			return err
		}
		if !o.dryRun {
			if result, err = lint.Judge(inputs, options); err != nil {
				return err
			}
		}
	}
	terminal.WarnAll(a.Console, result.Unread)
	if err := a.tellFindings(result, o); err != nil {
		return err
	}
	if o.failOn != "none" && lint.Worst(result.Findings, lint.Severity(o.failOn)) {
		return exitStatus(exitFailure)
	}
	return nil
}

// further adds what runs, and what is in the folder where nothing is named.
func (o lintOptions) further(ctx context.Context, a *app, inputs []lint.Input) ([]lint.Input, error) {
	for _, name := range o.running {
		data, err := a.inspectRunning(ctx, name)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, lint.Input{Name: name, Data: data, Live: true})
	}
	if len(inputs) > 0 {
		return inputs, nil
	}
	folder, err := lint.InputAt(".")
	return append(inputs, folder), usage(err)
}

// imageUser is the user of an image on the engine; empty where there is none to be asked.
func (a *app) imageUser(ctx context.Context, image string) string {
	const patience = 5 * time.Second // an engine that does not answer is no reason to wait
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	e, err := a.ConnectEngine(ctx)
	if err != nil {
		return ""
	}
	defer e.Close()
	found, err := e.ImageInspect(ctx, image)
	if err != nil || found.Config == nil {
		return ""
	}
	return found.Config.User
}

// inspectRunning gives what the engine knows of a Compose project, or of one
// container.
func (a *app) inspectRunning(ctx context.Context, name string) ([]byte, error) {
	e, err := a.ConnectEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	data, err := (&adopt.Containers{Engine: e, Names: []string{name}}).Inspect(ctx)
	if errors.Is(err, adopt.ErrNothing) {
		err = usage(err)
	}
	return data, err
}

// fixFindings shows what it changes, and changes it.
func (a *app) fixFindings(findings []lint.Finding, dryRun bool) error {
	files, err := lint.FixedFiles(findings)
	if err != nil {
		return err
	}
	if rows := lint.CutsRows(findings); len(rows) > 0 {
		terminal.Table(a.Voice.Out, lint.CutsHeader, rows)
		fmt.Fprintln(a.Voice.Out)
	}
	for _, f := range files {
		fmt.Fprintf(a.Voice.Out, "%s", diff.Diff(f.Name, f.Before, f.Name+" (fixed)", f.After))
		if dryRun {
			continue
		}
		if err := a.Write(f.Name, f.After); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		a.Say("there is nothing that --fix can put right")
	}
	return nil
}

func (a *app) tellFindings(r lint.Result, o lintOptions) error {
	if o.format != typed.TableFormat {
		return r.Write(a.Out, o.format, buildVersion())
	}
	shown := r.Findings
	if o.fix && o.dryRun { // what the difference shows is told by it
		shown = lint.Left(r.Findings)
	}
	if len(shown) > 0 {
		a.Table(lint.Header, lint.Rows(shown))()
	}
	summary := lint.Summary(r.Findings)
	switch n := lint.Fixable(r.Findings); {
	case n > 0 && o.fix && o.dryRun:
		summary += fmt.Sprintf(", %d of them put right by the difference above", n)
	case n > 0:
		summary += fmt.Sprintf(", %d of them for --fix", n)
	}
	a.Say("%s in %s of etcd", summary, terminal.Plural(r.Members(), "member"))
	return nil
}
