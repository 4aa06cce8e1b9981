package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
)

type certsRotateCAOptions struct {
	cluster       *target.Flags
	working       target.Working
	rotate        etcdctr.RotationOptions
	how           certs.How
	authority     string
	caCert, caKey string
	dryRun        bool
}

func newCertsRotateCACommand(a *app) *cobra.Command {
	var o certsRotateCAOptions
	cmd := &cobra.Command{
		Use:   "rotate-ca",
		Short: "Replace the authorities of a running cluster",
		Long: `rotate-ca replaces the authorities while the cluster serves. Members read what
they trust only when they start, so it goes through stages:

    begin     makes the new authority; everybody trusts both
       the members are restarted, one by one
    switch    has the new authority reissue all certificates
       nothing to restart: members show them from the next handshake on
    finish    takes the old authority out
       the members are restarted, one by one

Members that were stopped are started, for no other could be restarted before. Before
each stage all are asked what they trust. Interrupted, it goes on where it was when it
is run again; for a day after it was over, another one begins with --stage begin. If there are clients besides root and what the
cluster runs itself, such as what takes its backups, it stops before finish: hand
them their new files, and go on with --clients-ready, which is heeded once the
stage switch has made these files.

--abort goes back to the old authority, until it is finished: that issues again at
once, and members that trust the other one are restarted. --now is for a key
that others may have: the members stop, everything is replaced, and they start.

--stage does one stage by itself, for members that run where this program does
not see them; --restarted says that you have restarted all of them, and without a
stage puts away what was taken out before.`,
		Example: `  etcdctr certs rotate-ca --dry-run
  etcdctr certs rotate-ca
  etcdctr certs rotate-ca --clients-ready
  etcdctr certs rotate-ca --authority client --ca-cert ca.pem --ca-key ca-key.pem
  etcdctr certs rotate-ca --stage switch --restarted`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runCertsRotateCA),
	}
	o.cluster = a.Finding(cmd)
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddDryRun(cmd, &o.dryRun)
	typed.AddKeys(cmd, &o.rotate.Key, &o.rotate.Lifetime, "as before", "as before")
	flags := cmd.Flags()
	flags.Var(&typed.Choice{Value: (*string)(&o.rotate.Stage), Of: typed.Words(certs.Stages())}, "stage",
		"only this one: begin, switch or finish")
	flags.Var(&typed.Choice{Value: &o.authority, Of: []string{string(certs.Client), string(certs.Peer)}}, "authority",
		"client or peer (default both)")
	flags.StringVar(&o.caCert, "ca-cert", "", "existing authority to change to, PEM, its chain after it")
	flags.StringVar(&o.caKey, "ca-key", "", "its private key, PEM")
	flags.BoolVar(&o.how.Abort, "abort", false, "go back to the authority that issued before")
	flags.BoolVar(&o.how.AtOnce, "now", false, "at once, with an interruption: nobody is let in until members and clients have the new files")
	flags.BoolVar(&o.rotate.Confirmed, "clients-ready", false, "clients elsewhere have their new certificates: finish")
	flags.BoolVar(&o.rotate.Restarted, "restarted", false, "the members, which cannot be asked, were all restarted after the last stage")
	return cmd
}

// read completes what flags say of it.
func (o *certsRotateCAOptions) read() (err error) {
	o.how.Single = o.rotate.Stage != ""
	o.rotate.Stage = cmp.Or(o.rotate.Stage, certs.Begin)
	if o.authority != "" {
		o.rotate.Profiles = []certs.Profile{certs.Profile(o.authority)}
	}
	if err := o.how.Validate(); err != nil {
		return usage(err)
	}
	if o.rotate.Authority, err = typed.Authority("ca-cert", o.caCert, "ca-key", o.caKey); err != nil {
		return err
	}
	return usage(o.rotate.Validate())
}

func runCertsRotateCA(ctx context.Context, a *app, o certsRotateCAOptions, _ []string) error {
	if err := o.read(); err != nil {
		return err
	}
	dir, err := o.cluster.CertificatesAsRun()
	if err != nil {
		return err
	}
	members, r, err := o.rotation(ctx, a, dir)
	if err != nil {
		return err
	}
	if members != nil {
		defer members.Close()
	}
	if o.dryRun {
		return o.printRotation(ctx, a, dir, members, r)
	}
	if o.how.AtOnce {
		sayAtOnce(a, r.Seen())
	}
	after, err := r.Do(ctx, o.how)
	err = hints.Interrupted(ctx, err, "`%s` goes on from here, and with --abort it goes back", o.cluster.Again("certs", "rotate-ca"))
	if err == nil && after != "" {
		a.Say("next: %s", after.Then())
	}
	switch {
	case nothingToRotate(err):
		sayNothingToRotate(a, dir, err)
		return nil
	case errors.As(err, new(*certs.UnconfirmedError)):
		a.Say("%v", err)
		if o.rotate.Confirmed {
			a.Say("--clients-ready: was given before there were certificates of the new authority to hand out")
		}
		a.Say("next: hand them their new folders, restart them, for nearly every client reads ca.crt only once, then: `etcdctr certs rotate-ca --clients-ready`")
		return nil
	case err == nil && r.Seen() && !o.how.Single:
		err = sayTrusted(a, r)
	}
	return target.CertsError(dir, err)
}

// nothingToRotate tells that there is nothing to go on with, nor to go back from.
func nothingToRotate(err error) bool {
	return errors.Is(err, certs.ErrIdle) || errors.As(err, new(*certs.RecentError))
}

func sayNothingToRotate(a *app, dir string, err error) {
	a.Say("certificates in %s: %v", dir, err)
	if errors.As(err, new(*certs.RecentError)) {
		a.Say("`etcdctr certs rotate-ca --stage begin`, and then `etcdctr certs rotate-ca`, replace them once more; with --now it is done at once")
	}
}

// rotation is that of the members that run where this program sees them, which are nil
// where none does.
func (o certsRotateCAOptions) rotation(ctx context.Context, a *app, dir string) (*target.Found, *certs.Rotation, error) {
	with := o.rotate
	with.Tell = func(report certs.Report) { a.SayReport(dir, report) }
	c, err := o.cluster.Find(ctx, o.working)
	if errors.Is(err, runtime.ErrUnavailable) { // without an engine there is nothing to be seen on it
		spec, _, err := o.cluster.Read()
		return nil, with.Unseen(a.PKI(dir)), cmp.Or(err, etcdctr.WantMutual(spec.TLSMode(), "authorities"))
	}
	if err != nil {
		return nil, nil, err
	}
	with.Step = c.ShowStep
	with.Change = func(ctx context.Context, change etcdctr.Change) error {
		return c.CarryOut(ctx, change, "certs", "rotate-ca")
	}
	r, err := c.Rotation(ctx, with)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	roster := r.PKI.Roster
	r.PKI = a.PKI(dir)
	r.PKI.Roster = roster
	if gather := r.Gather; r.Seen() {
		r.Gather = func(ctx context.Context) error { return c.Explained(ctx, gather(ctx)) }
	}
	return c, r, nil
}

// sayAtOnce says what a replacement at once does to members, seen or not.
func sayAtOnce(a *app, seen bool) {
	if seen {
		a.Warn("every client and member is refused from now on, until it has its new files")
	} else {
		a.Say("members that run elsewhere have to be stopped, and started with their new folders")
	}
}

// sayTrusted says what the members trust, and of which authority there is more to do.
func sayTrusted(a *app, r *certs.Rotation) error {
	left, err := r.Underway()
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		a.Say("certificates in %s: every member trusts what its files say", r.PKI.Dir)
	default:
		a.Say("certificates in %s: the replacement of %s is under way still: `etcdctr certs rotate-ca` goes on with it", r.PKI.Dir, strings.Join(left, ", "))
	}
	return nil
}
