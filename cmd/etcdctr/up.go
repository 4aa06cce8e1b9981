package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

type upOptions struct {
	stack       *stackFlags
	fileCompose string
	pull        string
	waitTimeout time.Duration
	dryRun      bool
	keep        bool
	runtime     string
	detach      bool
	etcdBinary  string
}

func newUpCommand(a *app) *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or bring it to what is wanted now",
		Long: `up starts the cluster that the flags and the cluster file describe on a Docker
Engine, and returns once every member answers. It runs exactly the project that
` + "`etcdctr compose`" + ` prints and needs neither the docker command nor Compose.

Where no engine of this machine answers, or with --runtime process, the members
are processes of this machine: children of this command, which shows what they
say until Ctrl-C stops them, or in the background with -d. They run the etcd
inside this program unless --etcd-binary names another. ps, logs, stop, health
and all the others work on them as they do on containers. An engine elsewhere,
by DOCKER_HOST or a Docker context, that does not answer is an error.

Run again, it changes what has to be changed and nothing else: members whose
settings differ are replaced one at a time while the others keep the quorum, the
leader last. --dry-run prints what would be done, why and in which order. A
first start that fails says why, and takes away what it has created and nothing
else.`,
		Example: `  etcdctr up
  etcdctr up --members 5 --publish loopback --dry-run
  etcdctr up --runtime process -d
  etcdctr up --file-compose docker-compose.yml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runUp(cmd.Context(), a, o)
		},
	}
	o.stack = addStackFlags(cmd)
	addProgressFlag(cmd, &o.stack.progress)
	flags := cmd.Flags()
	flags.StringVar(&o.fileCompose, "file-compose", "", "start this file, made by `etcdctr compose`, instead of what the flags describe")
	addPullFlag(cmd, &o.pull)
	flags.DurationVar(&o.waitTimeout, "wait-timeout", defaultWaitTimeout, "how long each member may take to answer")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and do nothing")
	o.runtime = runtimeAuto
	flags.Var(&choice{value: &o.runtime, of: []string{runtimeAuto, runtimeDocker, runtimeProcess}}, "runtime",
		"what runs the members: docker, process, or auto: docker if an engine answers")
	flags.BoolVarP(&o.detach, "detach", "d", false, "leave the members in the background, where containers are in any case")
	flags.StringVar(&o.etcdBinary, "etcd-binary", "", "etcd to run in processes instead of the one inside this program")
	flags.BoolVar(&o.keep, "keep", false, "leave what a failed first start has created, to look at it")
	return cmd
}

// wish is what is to run.
type wish struct {
	project *types.Project
	tls     cluster.TLSMode
	prepare func(context.Context) error
}

func runUp(ctx context.Context, a *app, o upOptions) error {
	local, err := o.locally(ctx, a)
	if err != nil {
		return err
	}
	if local {
		return o.upLocally(ctx, a)
	}
	w, err := o.wish(ctx, a)
	if err != nil {
		return err
	}
	d, err := o.stack.drive(ctx, a, w.project.Name, w.tls)
	if err != nil {
		return err
	}
	defer d.close()
	d.driver.WaitTimeout = o.waitTimeout
	if o.fileCompose != "" {
		d.wantedFlags = []string{"--file-compose", compose.QuoteShell(o.fileCompose)}
	}
	if o.dryRun {
		return printUpPlan(ctx, a, d, w)
	}
	release, err := d.lock(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	began := a.now()
	first, err := d.checkChange(ctx, a, w)
	if err != nil {
		return err
	}
	// The images first: without them nothing is done to what runs.
	ids, err := a.getImages(ctx, d.engine, o.pull, d.board, stack.ImageRefs(w.project))
	if err != nil {
		return err
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := d.driver.Run(ctx, first); err != nil {
		return err
	}
	d.prober.learn(w.tls, w.certificates(o.stack.cluster.certificates()))
	notes, err := d.driver.Up(ctx, d.wanted(w, ids), o.keep)
	d.board.close()
	a.warnAll(notes)
	if err != nil {
		return err
	}
	a.say("%s is up: %s after %.1f s", w.project.Name, everyMember(w.project), a.now().Sub(began).Seconds())
	return nil
}

func (d *driven) wanted(w *wish, ids map[string]string) stack.Wanted {
	return stack.Wanted{Project: w.project, Images: ids, CopyFiles: !d.prober.local, Own: d.wantedFlags == nil}
}

// printUpPlan looks at everything and makes nothing, not even certificates.
func printUpPlan(ctx context.Context, a *app, d *driven, w *wish) error {
	if _, err := d.checkChange(ctx, a, w); err != nil {
		return err
	}
	ids := map[string]string{}
	for _, ref := range stack.ImageRefs(w.project) {
		id, err := stack.ImageID(ctx, d.engine, ref)
		if err != nil {
			return err
		}
		if id == "" {
			a.say("the image %s is not on the engine, and would be fetched first", ref)
		}
		ids[ref] = id
	}
	p, err := d.driver.PlanUp(ctx, d.wanted(w, ids))
	if err != nil {
		return err
	}
	a.warnAll(p.Notes)
	if p.Empty() {
		a.say("%s is as wanted: nothing to do", w.project.Name)
	}
	return a.writeResult("", []byte(p.String()))
}

func (a *app) sayAll(notes []string) {
	for _, n := range notes {
		a.say("%s", n)
	}
}

func (a *app) warnAll(notes []string) {
	for _, n := range notes {
		a.warn("%s", n)
	}
}

// wish reads what is wanted, from the flags or from a Compose file.
func (o upOptions) wish(ctx context.Context, a *app) (*wish, error) {
	if o.fileCompose != "" {
		return o.wishFromFile(ctx)
	}
	c, err := o.stack.cluster.resolve(a)
	if err != nil {
		return nil, err
	}
	file, err := renderCompose(ctx, c, composeOptions{cluster: o.stack.cluster})
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	p, err := compose.Load(ctx, "docker-compose.yml", file, dir)
	if err != nil {
		return nil, err
	}
	w := &wish{project: p, tls: c.TLS, prepare: func(ctx context.Context) error {
		return a.prepare(ctx, c, o.stack.cluster)
	}}
	return w, nil
}

// wishFromFile takes a Compose file as it is, and from it what else there is
// to know.
func (o upOptions) wishFromFile(ctx context.Context) (*wish, error) {
	data, err := os.ReadFile(o.fileCompose)
	if err != nil {
		return nil, usage(fmt.Errorf("cannot read the Compose file: %w", err))
	}
	path, err := filepath.Abs(o.fileCompose)
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	p, err := compose.Load(ctx, path, data, filepath.Dir(path))
	if err != nil {
		return nil, usage(err)
	}
	if countMembers(p) == 0 {
		err := fmt.Errorf("%s has no member of etcd that etcdctr made: no service of it has the label %s: %s", o.fileCompose, stack.RoleLabel, stack.Member)
		return nil, withHint(usage(err), "`etcdctr lint %s` judges what others wrote, and `docker compose up` starts it", compose.QuoteShell(o.fileCompose))
	}
	w := &wish{project: p, tls: cluster.NoTLS, prepare: func(context.Context) error { return nil }}
	for _, s := range p.Services {
		switch {
		case s.Environment["ETCD_CERT_FILE"] != nil:
			w.tls = cluster.Mutual
		case s.Environment["ETCD_AUTO_TLS"] != nil:
			w.tls = cluster.AutoTLS
		}
	}
	return w, nil
}

// certificates is the folder whose members' certificates the project mounts.
func (w *wish) certificates(otherwise string) string {
	for _, s := range w.project.Services {
		for _, v := range s.Volumes {
			if v.Target == cluster.ContainerCertsDir && v.Type == types.VolumeTypeBind {
				return filepath.Dir(filepath.Dir(v.Source))
			}
		}
	}
	return otherwise
}

func everyMember(p *types.Project) string {
	n := countMembers(p)
	if n == 1 {
		return "its member answers"
	}
	return fmt.Sprintf("all %d members answer", n)
}

func countMembers(p *types.Project) int {
	n := 0
	for _, s := range p.Services {
		if s.Labels[stack.RoleLabel] == stack.Member {
			n++
		}
	}
	return n
}
