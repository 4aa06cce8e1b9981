package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/stack"
)

func newDoctorCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Name the cause of a stack that does not come up, and a command for it",
		Long: `doctor looks at the members' containers or processes, at their logs and at what
they answer, and names one cause and one command that puts it right: the cause that explains
the others. It exits with 0 if there is nothing to put right.`,
		Args: cobra.NoArgs,
	}
	f := addClusterFlags(cmd)
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
	ByHand   string `json:"byHand,omitempty"` // instead of a command
	Evidence string `json:"evidence,omitempty"`
	// Warnings are those of health, and what the doctor has seen besides.
	Warnings []string `json:"warnings,omitempty"`
}

func runDoctor(ctx context.Context, a *app, f *clusterFlags, format string) error {
	local, err := f.processes(a)
	if err != nil {
		return err
	}
	examine := a.examineContainers
	if local != nil {
		examine = local.examine
	}
	d, err := examine(ctx, f)
	if err != nil {
		return err
	}
	return a.tellDiagnosis(d, format)
}

func (a *app) examineContainers(ctx context.Context, f *clusterFlags) (diagnosis, error) {
	spec, err := f.checkedSpec(a)
	if err != nil {
		return diagnosis{}, err
	}
	engine, err := connectEngine(ctx)
	if err != nil {
		return diagnosis{}, err
	}
	defer engine.Close()
	p := patient{app: a, engine: engine, flags: f}
	if p.cluster, err = cluster.Resolve(spec, cluster.InContainers); err != nil {
		return diagnosis{}, err
	}
	if p.state, err = stack.Observe(ctx, engine, p.cluster.Name); err != nil {
		return diagnosis{}, err
	}
	return p.examine(ctx, spec)
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
	fmt.Fprintf(a.out, "cause    %s: %s\n", d.Member, d.Cause)
	if d.Command != "" {
		fmt.Fprintf(a.out, "command  %s\n", d.Command)
	}
	if d.ByHand != "" {
		fmt.Fprintf(a.out, "by hand  %s\n", d.ByHand)
	}
	if d.Evidence != "" {
		fmt.Fprintf(a.out, "seen     %s\n", d.Evidence)
	}
	return exitStatus(exitFailure)
}

// patient is a stack that may not be well.
type patient struct {
	app     *app
	engine  *client.Client
	flags   *clusterFlags
	cluster *cluster.Cluster // as described
	state   *stack.State
}

// examine asks the engine, the logs and the members, in the order in which they
// can tell something.
func (p *patient) examine(ctx context.Context, spec cluster.Spec) (diagnosis, error) {
	if len(p.state.Members()) == 0 {
		return diagnosis{Member: p.cluster.Name, Cause: "there is no stack of this name on the engine", Command: p.command("up")}, nil
	}
	report, err := p.ask(ctx, spec)
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
			Member: d.Member, Cause: d.Cause, Command: d.Command, ByHand: d.ByHand, Evidence: d.Evidence, Warnings: report.Warnings,
		}
	}
	// Members that run and answer, and are no healthy cluster all the same.
	return diagnosis{
		Member: p.cluster.Name, Cause: report.Failures[0], Command: p.command("health"), Warnings: report.Warnings,
	}
}

// command gives a command about the same cluster, to be typed.
func (p *patient) command(verb string) string {
	return strings.Join(append([]string{"etcdctr", verb}, typedAgain(p.flags)...), " ")
}

// evidenceFlags are the flags for the commands of a diagnosis.
func evidenceFlags(f *clusterFlags) doctor.Evidence {
	return doctor.Evidence{Flags: typedAgain(f), CertsFlags: typedAgain(f, certsFlags...)}
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
func (p *patient) ask(ctx context.Context, spec cluster.Spec) (health.Report, error) {
	r := &running{engine: p.engine, promised: p.cluster}
	defer func() {
		if r.tunnel != nil {
			_ = r.tunnel.Close()
		}
	}()
	err := r.open(ctx, p.app, spec, p.flags.certificates(), stack.AutoRoute)
	if err != nil {
		if ctx.Err() != nil {
			return health.Report{}, ctx.Err()
		}
		return health.Report{Failures: []string{err.Error()}}, nil
	}
	report := r.expected().Check(ctx)
	return report, ctx.Err()
}

// gather collects the evidence about each member that was described or is
// there.
func (p *patient) gather(ctx context.Context, report health.Report) (doctor.Evidence, error) {
	e := evidenceFlags(p.flags)
	e.Described, e.Now = p.described(), p.app.now()
	for _, name := range p.names(report) {
		m := doctor.Member{Name: name, Status: doctor.Missing, Data: dataIn(p.state, name)}
		if c, ok := p.state.Service(name); ok {
			var err error
			if m, err = inspectMember(ctx, p.engine, c); err != nil {
				return e, err
			}
		}
		for _, wanted := range p.cluster.Members {
			if wanted.Name == name {
				m.PeerURL = wanted.PeerURL()
			}
		}
		e.Members = append(e.Members, m)
	}
	return e, nil
}

// dataIn is what is known of the data of a member without a container: whether
// it still has its volume. A stack whose volumes have other names than ours
// tells nothing.
func dataIn(s *stack.State, member string) doctor.Data {
	ours := false
	for _, v := range s.Volumes {
		if v.Key == compose.VolumeName(member) {
			return doctor.DataUnknown
		}
		ours = ours || slices.ContainsFunc(s.Members(), func(c stack.Container) bool { return v.Key == compose.VolumeName(c.Service) })
	}
	if ours {
		return doctor.DataLost
	}
	return doctor.DataUnknown
}

// described reports whether the flags say who the members are.
func (p *patient) described() bool {
	return p.flags.file != "" || p.flags.cmd.Flags().Lookup("members").Changed
}

// names are the members that were described; of a stack that nobody has
// described those that are there, and those that etcd knows besides.
func (p *patient) names(report health.Report) []string {
	var names []string
	if p.described() {
		for _, m := range p.cluster.Members {
			names = append(names, m.Name)
		}
		return names
	}
	for _, m := range p.state.Members() {
		names = append(names, m.Service)
	}
	for _, m := range report.Membership {
		if m.Name != "" && !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// logTail is how many of a member's lines are read: a failed start of etcd
// takes about thirty.
const logTail = 100

// inspectMember reads a container's state and the end of its log.
func inspectMember(ctx context.Context, e *client.Client, c stack.Container) (doctor.Member, error) {
	m := doctor.Member{Name: c.Service, Status: doctor.Status(c.Status)}
	in, err := e.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return m, fmt.Errorf("ask the engine about %s: %w", c.Name, err)
	}
	o := stack.LogOptions{Tail: strconv.Itoa(logTail)}
	// A container that is started again by the engine fails again and again.
	failing := in.Container.RestartCount > 0
	if s := in.Container.State; s != nil {
		m.ExitCode, m.OutOfMemory, m.EngineError = s.ExitCode, s.OOMKilled, s.Error
		if !failing {
			o.Since = s.StartedAt
		}
		if inMemory(in.Container) && !s.Running {
			m.Data = doctor.DataLost
		}
	}
	var lines []string
	err = stack.Logs(ctx, e, []stack.Container{c}, o, func(_ stack.Container, line string) {
		lines = append(lines, line)
	})
	m.Log = doctor.CurrentStart(lines, failing)
	return m, err
}

// inMemory reports whether a member's data ends with its process.
func inMemory(c container.InspectResponse) bool {
	return slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool {
		return m.Type == mount.TypeTmpfs && m.Destination == cluster.ContainerVolumeDir
	})
}
