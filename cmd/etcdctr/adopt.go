package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtimes"
)

type adoptOptions struct {
	cluster   *clusterFlags
	working   working
	theirEtcd string
	scratch   string
	dryRun    bool
	yes       bool
	forget    bool
	format    string
}

func newAdoptCommand(a *app) *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt [SOURCE]...",
		Short: "Take over a running or stopped etcd that something else has started, with its data",
		Long: `adopt describes members of etcd that something else has started as a cluster of
etcdctr's, and takes them over with all they hold. A SOURCE is a Compose project or
a container by name, running or stopped, a data folder of this machine with or
without a process on it, or a Compose file, a systemd unit or another file that
describes them.

It writes the cluster file, unless there is one, and says what lint has against what
is there and what will differ. Then it takes the way that interrupts least: each
member goes on in a new server with its data, or new members join and the old ones
leave, one at a time, with the quorum kept and the leader last. Where neither can be,
because nothing runs, or TLS begins, or the two can't reach each other, all are
stopped and new members are made of what the one that knows most holds. Keys,
revisions, leases and users are as they were.

--dry-run shows all that and does nothing. Without --yes it asks first. The old
containers and folders are kept, stopped, until --forget-old. Whatever stops it in
the middle, the next adopt goes on.

Once the file is there, health, etcdctl, backup and the others work on the members
as they are, also before they are adopted.`,
		Example: `  etcdctr adopt --dry-run shop
  etcdctr adopt --yes shop
  etcdctr adopt --tls mutual shop
  etcdctr adopt /var/lib/etcd
  etcdctr adopt --forget-old shop`,
		RunE: func(cmd *cobra.Command, args []string) error { return runAdopt(cmd.Context(), a, o, args) },
	}
	o.cluster = addClusterFlags(cmd)
	addProgressFlag(cmd, &o.working.progress)
	addPullFlag(cmd, &o.working.pull)
	addFormatFlag(cmd, &o.format)
	flags := cmd.Flags()
	flags.Var(&choice{value: new(string), of: []string{string(cluster.Docker), string(cluster.Process)}}, "runtime",
		"what is to run the members: docker or process (default what runs them now)")
	flags.StringVar(&o.theirEtcd, "their-etcd", "", "etcd of the release that wrote the data, for its log (default the one that ran on it, or the one inside)")
	flags.StringVar(&o.scratch, "scratch", os.TempDir(), "folder with room for the data of all members, where it has to be copied")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	flags.BoolVar(&o.yes, "yes", false, "adopt, or delete what was adopted, without asking")
	flags.BoolVar(&o.forget, "forget-old", false, "delete the old containers and their volumes, once they were adopted")
	return cmd
}

func runAdopt(ctx context.Context, a *app, o adoptOptions, args []string) error {
	spec, mistakes, err := o.cluster.read(a)
	if err == nil {
		err = usage(errors.Join(append(mistakes, cluster.Check(spec))...))
	}
	if err != nil {
		return err
	}
	if err := o.source(&spec, args); err != nil {
		return err
	}
	o.working.founds = true
	cs, e, err := a.clusters(o.cluster, o.working)
	if err != nil {
		return err
	}
	defer e.close()
	foreign := e.Foreign(spec.Adopts)
	if _, onEngine := foreign.(*adopt.Containers); onEngine {
		if err := e.Engine.Answers(ctx); err != nil {
			return err
		}
	}
	if o.forget {
		return o.forgetOld(ctx, a, foreign, spec.Members.List)
	}
	stack, err := foreign.Look(ctx)
	if err != nil {
		return explainAdopt(err)
	}
	file := o.clusterFile()
	text, err := o.describe(ctx, a, foreign, stack, &spec, file)
	if err != nil {
		return explainAdopt(err)
	}
	c, err := cs.Find(ctx, spec)
	if err != nil {
		return err
	}
	return o.adopt(ctx, a, &found{Cluster: c, board: e.board, engines: e}, text)
}

// clusterFile is the file that describes the cluster, or will.
func (o adoptOptions) clusterFile() string {
	if o.cluster.file != "" {
		return o.cluster.file
	}
	return defaultClusterFile
}

// source has the spec adopt what the arguments name.
func (o adoptOptions) source(spec *cluster.Spec, args []string) error {
	var names []string
	for _, arg := range args {
		some, err := adopt.Source(arg)
		if err != nil {
			return usage(err)
		}
		names = append(names, some...)
	}
	named := strings.Join(names, ",")
	switch {
	case named == "" && spec.Adopts == "":
		return withHint(usage(errors.New("nothing says what is to be adopted")),
			"name a Compose project, containers or data folders: etcdctr adopt --dry-run NAME; `docker ps` and `docker compose ls` show what there is")
	case named != "" && spec.Adopts != "" && named != spec.Adopts:
		return usage(fmt.Errorf("%s adopts %s, not %s: leave the argument out, or name another file with -f", o.clusterFile(), spec.Adopts, named))
	case named != "":
		spec.Adopts = named
	}
	return nil
}

// describe completes the spec by what is there, where no file describes the
// cluster yet, and gives the text of the file.
func (o adoptOptions) describe(ctx context.Context, a *app, foreign adopt.Foreign, stack *adopt.Stack, spec *cluster.Spec, file string) (string, error) {
	if _, err := os.Stat(file); err == nil {
		return "", nil
	}
	d, err := adopt.Describe(stack, *spec)
	if err != nil {
		return "", err
	}
	if err := o.chooseImage(ctx, foreign, stack, &d); err != nil {
		return "", err
	}
	if d.Because != "" {
		a.say("%s", d.Because)
	}
	for _, dropped := range d.Dropped {
		a.warn("%s=%s is not taken over: %s", dropped.Name, dropped.Was, dropped.Is)
	}
	*spec, err = cluster.Load(file, []byte(d.Text()))
	return d.Text(), err
}

// chooseImage has the description name an image that is there, unless all are to be
// pulled.
func (o adoptOptions) chooseImage(ctx context.Context, foreign adopt.Foreign, stack *adopt.Stack, d *adopt.Description) error {
	onEngine, ok := foreign.(*adopt.Containers)
	if !ok || o.working.pull == pullAlways {
		return nil
	}
	carried, err := runtimes.CarriedEtcd()
	if err != nil {
		return err
	}
	return onEngine.ChooseImage(ctx, stack, d, carried)
}

func (o adoptOptions) adopt(ctx context.Context, a *app, c *found, text string) error {
	defer c.board.Close()
	program, err := o.program()
	if err != nil {
		return err
	}
	adoption := &adopt.Adoption{
		Cluster: c.Cluster, Program: program, Scratch: o.scratch, Wait: defaultWaitTimeout, Now: a.now,
		Doing: func(action string) { a.say("%s", action) }, Tell: c.showStep(a),
	}
	plan, err := adoption.Plan(ctx)
	if plan.Stack != nil {
		if err := o.tell(a, plan, text); err != nil {
			return err
		}
	}
	if err != nil {
		return explainAdopt(err)
	}
	if o.dryRun {
		return nil
	}
	if !plan.Done {
		if err := o.consent(ctx, a, plan); err != nil {
			return err
		}
	}
	if err := o.write(a, text); err != nil {
		return err
	}
	if err := adoption.Do(ctx, plan); err != nil {
		return explainAdopt(c.explain(ctx, o.cluster, err))
	}
	c.board.Close()
	return o.sayAdopted(ctx, a, c, plan.Want)
}

// program is the etcd that carries out a log where that of the members can't be
// had.
func (o adoptOptions) program() (backup.Program, error) {
	if o.theirEtcd != "" {
		return backup.Program{Path: o.theirEtcd, Given: true}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return backup.Program{}, fmt.Errorf("cannot find this program's file: %w", err)
	}
	return backup.Program{Path: self}, nil
}

// adoptInfo is the form of a plan that scripts read.
type adoptInfo struct {
	File        string                `json:"file,omitempty"` // what would be written
	Findings    []lint.Finding        `json:"findings"`
	Differences []differenceInfo      `json:"differences"`
	Way         adopt.Way             `json:"way,omitempty"`
	Why         string                `json:"why,omitempty"` // no way that interrupts less is taken
	Steps       []converge.StepReport `json:"steps"`
	Done        bool                  `json:"done"`
	Members     map[string]string     `json:"members"` // what they are doing
}

type differenceInfo struct {
	Member string `json:"member,omitempty"` // empty: all
	Name   string `json:"name"`
	Was    string `json:"was"`
	Is     string `json:"is"`
}

func (o adoptOptions) tell(a *app, p adopt.Plan, text string) error {
	info := adoptInfo{
		File: text, Findings: p.Stack.Findings(), Way: p.Way, Why: p.Why, Steps: p.Steps.Report(), Done: p.Done,
		Differences: []differenceInfo{}, Members: map[string]string{},
	}
	for _, m := range p.Stack.Members {
		info.Members[m.Name] = m.Detail
	}
	for _, change := range adopt.Differences(p.Stack, p.Want) {
		for _, d := range change.Differences {
			info.Differences = append(info.Differences, differenceInfo{change.Server, d.Name, d.Was, d.Is})
		}
	}
	if o.format == formatJSON {
		return a.printJSON(info)
	}
	if p.Done {
		a.say("all members of %s were adopted", p.Stack.Name)
		return nil
	}
	for _, m := range p.Stack.Members {
		if !m.Runs() {
			a.warn("%s does not run: %s", m.Name, m.Detail)
		}
	}
	if text != "" {
		fmt.Fprintf(a.out, "%s:\n\n%s\n", o.clusterFile(), text)
	}
	if len(info.Findings) > 0 {
		a.table(lint.Header, lint.Rows(info.Findings))()
		fmt.Fprintln(a.out)
	}
	var rows [][]string
	for _, d := range info.Differences {
		member := d.Member
		if member == "" {
			member = "all"
		}
		rows = append(rows, []string{member, d.Name, terminal.OrDash(d.Was), terminal.OrDash(d.Is)})
	}
	a.table([]string{"MEMBER", "WHAT DIFFERS", "NOW", "THEN"}, rows)()
	fmt.Fprintf(a.out, "\n%s", p.Way)
	if p.Why != "" {
		fmt.Fprintf(a.out, ": %s", p.Why)
	}
	fmt.Fprintf(a.out, "\n%s", p.Steps)
	if p.Way == adopt.Copy {
		fmt.Fprintln(a.out, "no request is answered from the first stop until the new members serve")
	}
	fmt.Fprintf(a.out, "what is of %s is kept, stopped\n", p.Stack.Name)
	return nil
}

func (o adoptOptions) consent(ctx context.Context, a *app, p adopt.Plan) error {
	switch {
	case o.yes:
		return nil
	case !a.atTerminal():
		return usage(errors.New("there is no terminal to ask on whether they may be adopted: --yes says so, --dry-run only shows what would be done"))
	}
	answer, err := a.ask(ctx, "type the name of the new cluster to go on")
	if err == nil && answer != p.Want.Name {
		err = fmt.Errorf("%q is not the name of the cluster, %s: nothing was touched", answer, p.Want.Name)
	}
	return err
}

// write writes the cluster file, where there is none.
func (o adoptOptions) write(a *app, text string) error {
	if text == "" {
		return nil
	}
	if err := outfile.Write(o.clusterFile(), []byte(text), 0o644); err != nil {
		return fmt.Errorf("cannot write the cluster file: %w", err)
	}
	a.say("%s describes it", o.clusterFile())
	return nil
}

func (o adoptOptions) sayAdopted(ctx context.Context, a *app, c *found, want *cluster.Cluster) error {
	stack, err := c.engines.Foreign(c.Spec().Adopts).Look(ctx)
	if err != nil {
		return err
	}
	if err := o.strike(a); err != nil {
		return err
	}
	a.say("%s has taken over: `etcdctr health` shows its members, `etcdctr connect` the way to them", c.name())
	if want.Runtime == cluster.Docker {
		var urls []string
		for _, m := range want.Members {
			urls = append(urls, m.ClientURL())
		}
		a.say("services of %s find it at %s once they are on the network %s too: in their file, under networks, external: true",
			stack.Name, strings.Join(urls, ","), compose.NetworkOf(want.Name))
	}
	a.say("what it was is kept, stopped: %s; `etcdctr adopt --forget-old %s` deletes it", stack.Kept(), stack.Name)
	return nil
}

// strike takes the line out of the cluster file that says what is to be adopted: a
// cluster that is made anew must not find it there again.
func (o adoptOptions) strike(a *app) error {
	data, err := os.ReadFile(o.clusterFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the cluster file: %w", err)
	}
	left, struck := adopt.Strike(data)
	if !struck {
		return nil
	}
	if err := outfile.Write(o.clusterFile(), left, 0o644); err != nil {
		return fmt.Errorf("cannot write the cluster file: %w", err)
	}
	a.say("the line adopts is taken out of %s", o.clusterFile())
	return nil
}

// forgetOld deletes what was adopted.
func (o adoptOptions) forgetOld(ctx context.Context, a *app, foreign adopt.Foreign, members []cluster.MemberSpec) error {
	stack, err := foreign.Look(ctx)
	if err != nil {
		return explainAdopt(err)
	}
	if !stack.Retired() {
		return withHint(fmt.Errorf("%s: %w", stack.Name, adopt.ErrNotAdopted), "`etcdctr adopt %s` adopts it", stack.Name)
	}
	if !o.yes {
		if !a.atTerminal() {
			return usage(errors.New("--forget-old deletes the old data for good, and there is no terminal to ask on: --yes says that it is meant"))
		}
		if err := a.askForName(ctx, stack.Name, []string{stack.Kept()}); err != nil {
			return err
		}
	}
	var inUse []string
	for _, m := range members {
		inUse = append(inUse, m.Data)
	}
	left, err := adopt.Forget(ctx, foreign, inUse...)
	for _, l := range left {
		a.say("%s is left: delete it once nobody needs it", l)
	}
	if err == nil && len(left) == 0 {
		a.say("%s is gone", stack.Name)
	}
	return err
}

// explainAdopt says what to do about members that can't be adopted.
func explainAdopt(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, adopt.ErrRelease):
		return withHint(usage(err), "--etcd 3.6, for example, says it")
	case errors.Is(err, adopt.ErrNothing):
		return withHint(usage(err), "`docker ps --all` shows the containers; a data folder is the one that has the folder member in it")
	case errors.Is(err, adopt.ErrElsewhere):
		return withHint(usage(err), "name the other containers or folders too, separated by blanks; if they are on other machines, `etcdctr backup` takes what the cluster holds, and `etcdctr restore` makes a cluster of it")
	case errors.Is(err, adopt.ErrEmpty):
		return withHint(err, "`etcdctr up` starts a new cluster where no file says adopts; `etcdctr lint` tells what keeps the old one from starting")
	case errors.Is(err, backup.ErrUncommitted):
		return withHint(err, "--their-etcd names one")
	case errors.Is(err, adopt.ErrMinority):
		return withHint(err, "`etcdctr backup --data-dir FOLDER` takes what one member holds, and `etcdctr restore` makes a cluster of it")
	}
	return err
}
