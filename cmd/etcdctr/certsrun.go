package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
)

type certsRunOptions struct {
	cluster *target.Flags
	once    bool
}

func newCertsRunCommand(a *app) *cobra.Command {
	var o certsRunOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Renew certificates as their time comes",
		Long: `run looks once an hour, and twelve times in the shortest life of a certificate,
and renews what is due: by the key certs of the cluster file,
what ends within 30 days, or in the last third of a shorter life. Members show the new
ones from the next handshake on; none is restarted. Those on an engine elsewhere get
copies. In a swarm, where members keep what they were made with, they are made anew, one
after the other, unless one does not run or the cluster file has other changes.

Where the authority is elsewhere, certs.renew-command is run by a shell: it reads a
signing request and writes the certificate. The key stays where it is, and what came
back is looked at as by certs import.

It goes on until it is told to end. What goes wrong is said and tried again. With
--once it looks once and ends, for who has a timer of their own.`,
		Example: `  etcdctr certs run
  etcdctr certs run --once       # for a daily job`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runCertsRun),
	}
	o.cluster = a.Finding(cmd)
	cmd.Flags().BoolVar(&o.once, "once", false, "look once, and end")
	return cmd
}

// betweenLooks is how often certificates are looked at, at least. One that lives shortly is
// renewed in the last third of its life, in which looksPerLife have several looks fall.
const (
	betweenLooks = time.Hour
	looksPerLife = 12
)

func runCertsRun(ctx context.Context, a *app, o certsRunOptions, _ []string) error {
	if o.once {
		_, err := renewDue(ctx, a, o.cluster)
		return err
	}
	for {
		dir, err := renewDue(ctx, a, o.cluster)
		if err != nil && ctx.Err() == nil {
			a.Fail(hints.For("certs run", err))
		}
		next := betweenLooks
		if list, err := a.PKI(dir).List(); dir != "" && err == nil {
			next = untilNextLook(list)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(next):
		}
	}
}

// untilNextLook is how long to wait with these certificates.
func untilNextLook(all []certs.Certificate) time.Duration {
	next := betweenLooks
	for _, c := range all {
		if life := c.NotAfter.Sub(c.NotBefore); life > 0 && c.Status != certs.IsRevoked {
			next = min(next, max(life/looksPerLife, time.Second))
		}
	}
	return next
}

// renewDue looks at the cluster anew: its file may be another one by now. It gives the
// folder of the certificates; empty for one that is not known.
func renewDue(ctx context.Context, a *app, f *target.Flags) (dir string, err error) {
	c, err := f.Find(ctx, target.Working{})
	if err != nil {
		dir, _ = f.CertificatesAsRun() // where they are as far as can be seen
		return dir, err
	}
	defer c.Close()
	o := etcdctr.RenewalOptions{Change: func(ctx context.Context, change etcdctr.Change) error { return c.CarryOut(ctx, change, "certs", "run") }}
	if command := c.Spec().Certs.RenewCommand; command != "" {
		o.Sign = certs.SignBy(command, os.Environ())
	}
	report, err := c.RenewDue(ctx, o)
	switch {
	case len(report.Changes) > 0:
		a.SayReport(c.CertsDir(), report)
	case err == nil:
		a.Say("certificates in %s: none is due", c.CertsDir())
	}
	if err == nil && runtime.HandsFiles(c.Runtime()) {
		err = c.TellOldCopies(ctx)
	}
	return c.CertsDir(), err
}
