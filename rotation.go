package etcdctr

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file replaces the authorities of a cluster that runs.

// RotationOptions are what a replacement of authorities leaves to be chosen.
type RotationOptions struct {
	certs.RotateOptions
	// Confirmed and Restarted are those of certs.Rotation.
	Confirmed, Restarted bool
	// Change makes a change of the members that serve; nil stands for Make.
	Change func(context.Context, Change) error
	// Tell is told what was done to the files, and Step of members that are started;
	// both may be nil.
	Tell func(certs.Report)
	Step func(converge.Event)
}

// Unseen is a replacement of authorities of members that nobody sees from here: it works on
// the files alone.
func (o RotationOptions) Unseen(pki *certs.PKI) *certs.Rotation {
	return &certs.Rotation{
		PKI: pki, RotateOptions: o.RotateOptions, Confirmed: o.Confirmed, Restarted: o.Restarted, Own: []string{AdminClient}, Tell: o.Tell,
	}
}

// Rotation is a replacement of the authorities of this cluster, which asks, restarts,
// stops and starts its members. Where none of them is there, or nothing that could
// run them, it works on the files alone: see certs.Rotation. A cluster without authorities
// is an *InputError.
func (c *Cluster) Rotation(ctx context.Context, o RotationOptions) (*certs.Rotation, error) {
	if err := WantMutual(c.spec.TLSMode(), "authorities"); err != nil {
		return nil, err
	}
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) {
		have, err = nil, nil
	}
	if err == nil && len(have.Members()) > 0 {
		err = c.checkMeant(Change{Verb: converge.Restart})
	}
	if err != nil {
		return nil, err
	}
	r := o.Unseen(c.RosteredPKI(ctx, have))
	if len(have.Members()) == 0 {
		return r, nil
	}
	change := o.Change
	if change == nil {
		change = c.makeOnly
	}
	for _, m := range have.Present() {
		r.Members = append(r.Members, m.Name)
	}
	own, err := c.ownClients(ctx, have)
	if err != nil {
		return nil, err
	}
	r.Own = append(r.Own, own...)
	r.Gather = func(ctx context.Context) error {
		if r.Remake != nil {
			if err := c.wantOnlyCertificates(ctx); err != nil {
				return err
			}
		}
		return c.gather(ctx, o.Step)
	}
	r.Ask = func(ctx context.Context) ([]certs.Answer, error) { return c.askTrust(ctx, r.PKI) }
	r.Restart = func(ctx context.Context, members []string) error {
		return change(ctx, Change{Verb: converge.Restart, Servers: members})
	}
	r.Share, r.Remake = c.bring(have, change)
	r.Stop = func(ctx context.Context) error { return change(ctx, Change{Verb: converge.Stop}) }
	r.Start = func(ctx context.Context) error { return change(ctx, Change{Verb: converge.Start}) }
	return r, nil
}

// shown are the clients whose certificates services of the cluster show, by the service.
// Each reads its files again for each connection that it makes, and members that start anew
// have it make another one.
var shown = map[string]string{cluster.BackupName: cluster.BackupName, cluster.PrometheusName: cluster.MonitoringClient}

// ownClients are those that nobody has to tell of a new authority: their services are there,
// and have the files of this folder.
func (c *Cluster) ownClients(ctx context.Context, have *runtime.State) ([]string, error) {
	given := func(string) bool { return sameFolder(have.CertsDir, c.CertsDir()) }
	if hasCopies(have) { // of which those are brought that are described
		want, err := c.Want(ctx)
		if err != nil {
			return nil, err
		}
		given = func(service string) bool {
			if service == cluster.BackupName {
				return want.Backup != nil && want.Backup.Service
			}
			return want.Monitoring != nil
		}
	}
	var clients []string
	for _, s := range have.Servers {
		client := shown[s.Name]
		if client != "" && s.Role == runtime.Service && s.Status != runtime.Absent && given(s.Name) {
			clients = append(clients, client)
		}
	}
	return clients, nil
}

// hasCopies tells whether servers may have copies of the files of this machine.
func hasCopies(have *runtime.State) bool {
	return have.CertsDir == "" || slices.ContainsFunc(have.Servers, func(s runtime.Server) bool { return s.Host != "" })
}

// sameFolder tells whether paths lead to one folder that is there.
func sameFolder(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

// bring is how members come to the files of this folder, where they don't see them: see
// certs.Rotation.
func (c *Cluster) bring(have *runtime.State, change func(context.Context, Change) error) (share, remake func(context.Context) error) {
	switch {
	case c.KeepsCertificates():
		return nil, func(ctx context.Context) error {
			if err := c.wantOnlyCertificates(ctx); err != nil {
				return err
			}
			return change(ctx, Change{Verb: converge.Up})
		}
	case !hasCopies(have):
		return nil, nil
	}
	return func(ctx context.Context) error {
		want, err := c.Want(ctx)
		if err != nil {
			return err
		}
		return c.handOut(ctx, want)
	}, nil
}

// UndoneError is the error of members that differ from their Spec in more than their
// certificates, where these can't be brought to them by themselves.
type UndoneError struct{ Changes []runtime.Change }

func (e *UndoneError) Error() string {
	var servers []string
	for _, c := range e.Changes {
		servers = append(servers, c.Server+" ("+c.String()+")")
	}
	return "members that get new certificates are made anew, and would become what the cluster file says, too: " + strings.Join(servers, "; ")
}

// wantOnlyCertificates refuses what making members anew would change besides.
func (c *Cluster) wantOnlyCertificates(ctx context.Context) error {
	have, err := c.Observe(ctx)
	if err != nil {
		return err
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	changes, err := c.runtime.Changes(ctx, want, have)
	if err != nil {
		return err
	}
	more := slices.DeleteFunc(changes, func(x runtime.Change) bool {
		return x.Kind == runtime.Replace && !slices.ContainsFunc(x.Differences, func(d runtime.Difference) bool { return d.Name != runtime.Certificates })
	})
	if len(more) > 0 {
		return &UndoneError{more}
	}
	return nil
}

// RotationSteps are the steps of members that go with a replacement of authorities.
type RotationSteps struct {
	Gather  converge.Steps // start those that were stopped
	Restart converge.Steps // are those of a restart, or of the last one
	All     converge.Steps // empty where it is not known how long they take
}

// RotationSteps tells the steps of members that go with the moves of a replacement, where
// those that were stopped are started before if gathers.
func (c *Cluster) RotationSteps(ctx context.Context, moves []certs.Move, gathers bool) (steps RotationSteps, err error) {
	if gathers {
		steps.Gather, err = c.Plan(ctx, Change{Verb: converge.Start})
	}
	if err != nil || len(steps.Gather) > 0 { // nobody knows how those restart that stand still
		return steps, err
	}
	for _, m := range moves {
		if m.Kind != certs.Restart {
			continue
		}
		if steps.Restart, err = c.Plan(ctx, Change{Verb: converge.Restart, Servers: m.Members}); err != nil {
			return steps, err
		}
		steps.All = append(steps.All, steps.Restart...)
	}
	return steps, nil
}

// gather starts members that were stopped, unless all are.
func (c *Cluster) gather(ctx context.Context, tell func(converge.Event)) error {
	have, err := c.Observe(ctx)
	if err != nil || !have.Runs() {
		return err
	}
	_, err = c.Make(ctx, Change{Verb: converge.Start, Tell: tell})
	return err
}

// askTrust asks all members that run what they trust.
func (c *Cluster) askTrust(ctx context.Context, pki *certs.PKI) (answers []certs.Answer, err error) {
	have, err := c.Observe(ctx)
	if err != nil || !have.Runs() {
		return nil, err
	}
	way, err := c.connect(ctx, have)
	if err != nil {
		return nil, err
	}
	defer way.Close()
	return pki.Ask(ctx, certs.Dial(way.Way.Dial), listeners(have))
}

// listeners are where members that run listen.
func listeners(have *runtime.State) []certs.Listener {
	var list []certs.Listener
	for _, m := range running(have) {
		list = append(list, certs.Listener{Member: m.Name, Client: hostOf(m.ClientURL()), Peer: hostOf(m.PeerURL())})
	}
	return list
}
