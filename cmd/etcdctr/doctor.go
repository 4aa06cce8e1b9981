package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/runtime"
)

func newDoctorCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Name the cause of a stack that does not come up, and a command for it",
		Long: `doctor looks at the members' containers or processes, at their logs and at what
they answer, and names one cause and one command that puts it right: the cause that explains
the others. It exits with 0 if there is nothing to put right.`,
		Args: noArgs,
	}
	f := addFindingFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runDoctor(cmd.Context(), a, f, format)
	}
	return cmd
}

// diagnosis is the form that scripts read.
type diagnosis struct {
	Healthy  bool   `json:"healthy"`
	Member   string `json:"member,omitempty"`
	Cause    string `json:"cause,omitempty"`
	Command  string `json:"command,omitempty"`
	Looks    bool   `json:"looks,omitempty"`  // the command only shows more, and puts nothing right
	ByHand   string `json:"byHand,omitempty"` // instead of a command
	Evidence string `json:"evidence,omitempty"`
	// Warnings are those of health, and what the doctor has seen besides.
	Warnings []string `json:"warnings,omitempty"`
}

func runDoctor(ctx context.Context, a *app, f *clusterFlags, format string) error {
	p, err := a.patient(ctx, f)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := p.examine(ctx)
	if err != nil {
		return err
	}
	return a.tellDiagnosis(d, format)
}

func (a *app) tellDiagnosis(d diagnosis, format string) error {
	if format == formatJSON {
		if err := a.printJSON(d); err != nil || d.Healthy {
			return err
		}
		return exitStatus(exitFailure)
	}
	for _, w := range d.Warnings {
		a.warn("%s", w)
	}
	if d.Healthy {
		if len(d.Warnings) > 0 {
			a.say("healthy, with warnings")
		} else {
			a.say("healthy: nothing to put right")
		}
		return nil
	}
	fmt.Fprintf(a.out, "cause    %s\n", a.tint(bad, d.Member+": "+d.Cause))
	if d.Command != "" {
		fmt.Fprintf(a.out, "command  %s\n", a.tint(good, d.Command))
	}
	if d.ByHand != "" {
		fmt.Fprintf(a.out, "by hand  %s\n", d.ByHand)
	}
	if d.Evidence != "" {
		fmt.Fprintf(a.out, "seen     %s\n", d.Evidence)
	}
	return exitStatus(exitFailure)
}

// patient is a cluster that may not be well.
type patient struct {
	*found
	app   *app
	flags *clusterFlags
	want  *cluster.Cluster // as described
	have  *runtime.State   // nil for nothing
}

func (a *app) patient(ctx context.Context, f *clusterFlags) (*patient, error) {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return nil, err
	}
	p := &patient{found: c, app: a, flags: f}
	if p.have, err = c.Observe(ctx); errors.Is(err, runtime.ErrNotFound) {
		err = nil
	}
	if err == nil {
		p.want, err = c.Want(ctx)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return p, nil
}

// examine asks what runs the members, their logs and themselves.
func (p *patient) examine(ctx context.Context) (diagnosis, error) {
	if !slices.ContainsFunc(p.have.Members(), func(s runtime.Server) bool { return s.Status != runtime.Absent }) {
		return diagnosis{Member: p.name(), Cause: "there is no cluster of this name", Command: p.command("up")}, nil
	}
	report, err := p.ask(ctx)
	if err != nil {
		return diagnosis{}, err
	}
	evidence, err := p.gather(ctx, report)
	if err != nil {
		return diagnosis{}, err
	}
	return p.conclude(evidence, report), nil
}

// conclude never contradicts health: what is healthy there is healthy here, and
// what the doctor has seen all the same is a warning.
func (p *patient) conclude(e doctor.Evidence, report health.Report) diagnosis {
	e.Add(report)
	d, found := doctor.Diagnose(e)
	switch {
	case report.Healthy:
		warnings := report.Warnings
		if found {
			warnings = append(slices.Clone(warnings), fmt.Sprintf("%s: %s", d.Member, d.Cause))
		}
		return diagnosis{Healthy: true, Warnings: warnings}
	case found:
		return diagnosis{
			Member: d.Member, Cause: d.Cause, Command: d.Command, Looks: d.Remedy.Looks(), ByHand: d.ByHand, Evidence: d.Evidence,
			Warnings: report.Warnings,
		}
	}
	// Members that run and answer, and are no healthy cluster all the same.
	return diagnosis{
		Member: p.name(), Cause: report.Failures[0], Command: p.command("health"), Looks: true, Warnings: report.Warnings,
	}
}

// command gives a command about the same cluster, to be typed.
func (p *patient) command(verb string) string {
	return strings.Join(append([]string{"etcdctr", verb}, typedAgain(p.flags)...), " ")
}

// evidence begins with the flags for the commands of a diagnosis.
func (p *patient) evidence() doctor.Evidence {
	e := doctor.Evidence{Flags: typedAgain(p.flags), CertsFlags: typedAgain(p.flags, certsFlags...)}
	switch {
	case len(typedAgain(p.flags, fileComposeFlag)) > 0:
		e.Wanted = typedAgain(p.flags, fileComposeFlag)
	case p.Runtime().Name() == string(cluster.Process):
		e.Wanted = append(slices.Clone(e.Flags), "--detach") // a command that puts something right comes to an end
	}
	return e
}

// certsFlags are those that find a cluster's certificates.
var certsFlags = []string{"file", "certs-dir"}

// typedAgain gives the flags that the cluster was described with, all or some
// of them, for another command line.
func typedAgain(f *clusterFlags, only ...string) []string {
	if len(only) == 0 {
		only = append(only, certsFlags...)
		for _, s := range specFlags {
			only = append(only, s.key)
		}
	}
	var words []string
	f.cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(only, f.Name) {
			words = append(words, "--"+f.Name, compose.QuoteShell(f.Value.String()))
		}
	})
	return words
}

// ask puts the questions of `health`. Members that can't be reached because
// there is no way to them at all are silent.
func (p *patient) ask(ctx context.Context) (health.Report, error) {
	way, err := p.Connect(ctx)
	if ctx.Err() != nil {
		return health.Report{}, ctx.Err()
	}
	if err != nil {
		return health.Report{Failures: []string{err.Error()}}, nil
	}
	defer func() { _ = way.Close() }() // nothing depends on it any more
	return expected(way, p.want).Check(ctx), ctx.Err()
}

// gather collects the evidence about each member that was described or is
// there.
func (p *patient) gather(ctx context.Context, report health.Report) (doctor.Evidence, error) {
	e := p.evidence()
	e.Described, e.Now = p.described(), p.app.now()
	for _, name := range p.names(report) {
		m, err := p.inspect(ctx, name)
		if err != nil {
			return e, err
		}
		e.Members = append(e.Members, m)
	}
	return e, nil
}

// inspect reads a member's state and the end of its log.
func (p *patient) inspect(ctx context.Context, name string) (doctor.Member, error) {
	m := doctor.Member{Name: name, Status: doctor.Missing}
	if i := slices.IndexFunc(p.want.Members, func(w cluster.Member) bool { return w.Name == name }); i >= 0 {
		m.PeerURL = p.want.Members[i].PeerURL()
	}
	s, there := p.have.Server(name)
	if there {
		m.Status, m.ExitCode, m.Detail, m.OutOfMemory, m.EngineError = statusFor[s.Status], s.ExitCode, s.Detail, s.OutOfMemory, s.Error
	}
	kept, err := p.Runtime().Data(ctx, p.name(), name)
	if err != nil {
		return m, err
	}
	m.Data = dataFor(kept, s)
	if !there || s.Status == runtime.Absent {
		return m, nil
	}
	lines, err := p.lastLines(ctx, name)
	// A server that is started again by what runs it fails again and again.
	m.Log = doctor.CurrentStart(lines, s.Status == runtime.Restarting || s.Restarts > 0)
	return m, err
}

// statusFor is what a server is doing, for the doctor.
var statusFor = map[runtime.Status]doctor.Status{
	runtime.Absent: doctor.Missing, runtime.Created: doctor.Created, runtime.Running: doctor.Running,
	runtime.Paused: doctor.Paused, runtime.Restarting: doctor.Restarting, runtime.Stopped: doctor.Exited,
	runtime.Ended: doctor.Exited, runtime.Failed: doctor.Failed,
}

// dataFor is what is known of a server's data, for the doctor.
func dataFor(d runtime.Data, s runtime.Server) doctor.Data {
	switch {
	case d == runtime.Kept:
		return doctor.DataKept
	case d == runtime.None, d == runtime.Volatile && !s.Runs():
		return doctor.DataLost
	}
	return doctor.DataUnknown
}

// logTail is how many of a member's lines are read: a failed start of etcd
// takes about thirty.
const logTail = 100

func (p *patient) lastLines(ctx context.Context, name string) ([]string, error) {
	var lines []string
	err := p.Runtime().Logs(ctx, p.name(), runtime.LogOptions{Servers: []string{name}, Tail: logTail}, func(l runtime.Line) {
		lines = append(lines, l.Text)
	})
	return lines, err
}

// described reports whether the description says who the members are, as health
// has it too.
func (p *patient) described() bool { return saysMembers(p.want) }

// names are the members that were described; of a stack that nobody has
// described those that are there, and those that etcd knows besides.
func (p *patient) names(report health.Report) []string {
	if !p.described() {
		return membersOf(p.have, report.Membership)
	}
	var names []string
	for _, m := range p.want.Members {
		names = append(names, m.Name)
	}
	return names
}

// membersOf are the members that are there, and those that etcd knows. One that
// has left only its data, and that etcd has forgotten, is none.
func membersOf(have *runtime.State, known []health.KnownMember) []string {
	var names []string
	for _, m := range have.Members() {
		if m.Status != runtime.Absent || len(known) == 0 {
			names = append(names, m.Name)
		}
	}
	for _, m := range known {
		if m.Name != "" && !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}
