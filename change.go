package etcdctr

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is how a cluster is changed.

// Change is what is to be made of a cluster.
type Change struct {
	Verb    converge.Verb
	Servers []string // that it is about; none: all
	// Data may be deleted of what is removed.
	Data bool
	// Consent is asked before Make deletes data, and told which; nil asks nobody.
	Consent func(ctx context.Context, losses []string) error
	// Clients is how far clients are, where the cluster goes over to TLS or from it.
	Clients converge.Clients
	// Keep leaves what a first start that failed has made, to look at it.
	Keep bool
	// Wait is how long each member may take to serve; 0 stands for a minute.
	Wait time.Duration
	// Tell is told of each step, one at a time; may be nil.
	Tell func(converge.Event)
}

// UpOptions are what Up leaves to be chosen.
type UpOptions struct {
	Keep bool
	Wait time.Duration
	Tell func(converge.Event)
}

// Up makes the cluster what its Spec says, and returns once every member serves.
func (c *Cluster) Up(ctx context.Context, o UpOptions) (converge.Outcome, error) {
	return c.Make(ctx, Change{Verb: converge.Up, Keep: o.Keep, Wait: o.Wait, Tell: o.Tell})
}

// Down stops the cluster and removes it, with its data if that is said.
func (c *Cluster) Down(ctx context.Context, data bool) (converge.Outcome, error) {
	return c.Make(ctx, Change{Verb: converge.Down, Data: data})
}

// Plan tells what Make would do, and does nothing. Its error may be a
// *converge.Refusal, or a *converge.EndlessError, for which Make does not fail.
func (c *Cluster) Plan(ctx context.Context, change Change) (converge.Steps, error) {
	if c.have.Runs() {
		// What is to be done nobody can tell whom no member answers.
		if _, err := c.clientTLS(c.have); errors.As(err, new(*certs.RevokedError)) {
			return nil, err
		}
	}
	wish, err := c.wish(ctx, change)
	if err != nil {
		return nil, err
	}
	return c.hands(change).Plan(ctx, wish)
}

// Lacking tells by name what Make would fetch from elsewhere before anything is
// touched.
func (c *Cluster) Lacking(ctx context.Context) ([]string, error) {
	fetcher, ok := c.runtime.(runtime.Fetcher)
	if !ok {
		return nil, nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return nil, err
	}
	return fetcher.Lacking(ctx, want)
}

// LackingFor is Lacking for a plan: of the releases of etcd on its way, too.
func (c *Cluster) LackingFor(ctx context.Context, steps converge.Steps) ([]string, error) {
	all, err := c.Lacking(ctx)
	fetcher, ok := c.runtime.(runtime.Fetcher)
	if err != nil || !ok {
		return all, err
	}
	want, err := c.Want(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		release, err := cluster.ParseVersion(s.To)
		if s.Kind != converge.Prepare || err != nil || release == want.Etcd {
			continue
		}
		hop, err := c.hop(ctx, release)
		if err != nil {
			return nil, err
		}
		some, err := fetcher.Lacking(ctx, hop)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// mostPlaces is how often a first start is tried at another place, where
// somebody else has taken the one that was free.
const mostPlaces = 5

// Make makes a change. What is refused is refused before anything is touched,
// certificates included. The error is a *converge.Refusal, a *converge.StepError
// or one of looking.
func (c *Cluster) Make(ctx context.Context, change Change) (converge.Outcome, error) {
	var outcome converge.Outcome
	err := c.consented(ctx, change)
	if err == nil {
		err = c.fetchAnew(ctx, change)
	}
	if err != nil {
		return outcome, err
	}
	var wish converge.Wish
	for range mostPlaces {
		if wish, err = c.wish(ctx, change); err != nil {
			return outcome, err
		}
		outcome, err = c.inTurn(change, &wish).Do(ctx, wish)
		c.emptied = cmp.Or(c.emptied, c.emptiedBy(outcome.Done, wish.Want, c.served))
		if err == nil || !c.placedAnew(ctx, wish, outcome) {
			break
		}
	}
	if change.Verb == converge.Up && err != nil {
		err = c.keepBeside(ctx, wish.Want, err)
	}
	if (err == nil || errors.Is(err, runtime.ErrNotFound)) && change.forgets() { // another may have done it meanwhile
		c.o.leavePlaces()
	}
	return outcome, err
}

// makeOnly is Make for who is told by its error alone.
func (c *Cluster) makeOnly(ctx context.Context, change Change) error {
	_, err := c.Make(ctx, change)
	return err
}

// fetchAnew fetches what members that are there are made of, where that was asked for: it
// may be a change, and the only one. For members that are not there yet it is fetched once
// nothing is in the way of them.
func (c *Cluster) fetchAnew(ctx context.Context, change Change) error {
	fetcher, ok := c.runtime.(runtime.Fetcher)
	if !ok || change.Verb != converge.Up || len(c.have.Members()) == 0 {
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	return fetcher.FetchAnew(ctx, want)
}

// consented asks whether the data may be deleted that a change deletes.
func (c *Cluster) consented(ctx context.Context, change Change) error {
	if change.Consent == nil || !change.Data {
		return nil
	}
	losses, err := c.Losses(ctx, change)
	if err != nil || len(losses) == 0 {
		return err
	}
	return change.Consent(ctx, losses)
}

// keepBeside brings the others their certificates where nothing is in the way of a cluster but
// machines that don't answer: these may be away for longer than what the others have is good.
func (c *Cluster) keepBeside(ctx context.Context, want *cluster.Cluster, err error) error {
	refusal := (*converge.Refusal)(nil)
	if !errors.As(err, &refusal) || !refusal.Away {
		return err
	}
	return errors.Join(err, c.handOut(ctx, want))
}

// placedAnew reports whether a first start that failed has another place now:
// between looking for free ports and listening on them somebody else may have
// taken them.
func (c *Cluster) placedAnew(ctx context.Context, wish converge.Wish, outcome converge.Outcome) bool {
	if ctx.Err() != nil || wish.Want == nil || outcome.Have != nil && outcome.Have.Runs() {
		return false
	}
	if _, err := c.Observe(ctx); !errors.Is(err, runtime.ErrNotFound) {
		return false
	}
	again, err := c.Want(ctx)
	return err == nil && elsewhere(wish.Want, again)
}

// elsewhere reports whether members listen, or are published, at other ports.
func elsewhere(before, after *cluster.Cluster) bool {
	return !slices.EqualFunc(before.Members, after.Members, func(a, b cluster.Member) bool {
		return a.PeerURL() == b.PeerURL() && a.PublishedPort == b.PublishedPort
	})
}

// wish is a change in the words of package converge.
func (c *Cluster) wish(ctx context.Context, change Change) (converge.Wish, error) {
	c.served, c.emptied = c.hasServedOnThis(ctx), nil
	w := converge.Wish{
		Name: c.spec.ClusterName(), Seen: c.have,
		Asked: converge.Asked{Verb: change.Verb, Servers: change.Servers, Data: change.Data, Weaken: said(c.spec), Clients: change.Clients, Here: c.have.StartedIn(c.o.Folder)},
	}
	if err := c.checkMeant(change); err != nil {
		return w, err
	}
	switch {
	case change.Verb == converge.Up, change.Verb == converge.Replace:
	case change.Verb == converge.Restart && c.forgetful(): // members are made anew
	default:
		return w, nil
	}
	var err error
	if w.Want, err = c.Want(ctx); err != nil {
		return w, err
	}
	w.Passwords, err = c.users(w.Want.Auth)
	return w, err
}

// forgetful tells whether members lose their data when they stop.
func (c *Cluster) forgetful() bool { return forgets(c.have) }

func (c *Cluster) hands(change Change) *converge.Hands {
	clientTLS := c.clientTLS
	if change.Verb == converge.Up {
		clientTLS = c.anyTLS
	}
	tell := func(e converge.Event) {
		c.writeDown(e)
		if change.Tell != nil {
			change.Tell(e)
		}
	}
	return &converge.Hands{
		Runtime: c.runtime, Ask: converge.Asking(clientTLS, member.Patience{Question: oneQuestion, Progress: change.Wait}), Hop: c.hop, Bridge: c.bridge,
		Provide: c.provide, Check: c.checkProvided, HoldsV2: holdsV2, Tell: tell, Now: c.o.Now, Patience: change.Wait, Keep: change.Keep,
	}
}

// holdsV2 looks into the data of a member that keeps it in a folder of this machine. What
// can't be read, others tell of.
func holdsV2(s runtime.Server) bool {
	if s.Host != "" || !filepath.IsAbs(s.DataAt) {
		return false
	}
	holds, err := backup.HoldsV2(s.DataAt, s.Settings.Get("wal-dir"))
	return err == nil && holds
}

// oneQuestion is how long a member may take to answer a question: one that has no
// quorum answers none.
const oneQuestion = 2 * time.Second

// anyTLS is clientTLS for who may be about to make the certificates: members are
// there, and ask for one that is not, or that was revoked.
func (c *Cluster) anyTLS(have *runtime.State) (*tls.Config, error) {
	config, err := c.clientTLS(have)
	if errors.Is(err, ErrNoCertificate) || errors.As(err, new(*certs.RevokedError)) {
		return Unverified(), nil
	}
	return config, err
}

// hop is the wanted cluster with another release of etcd, which lies on the way
// to it. An image or a program that was named is one of the release that was named
// with it; what members of that other release run already is at hand.
func (c *Cluster) hop(ctx context.Context, release cluster.Version) (*cluster.Cluster, error) {
	runs := c.runs(release)
	return c.onTheWay(ctx, func(s *cluster.Spec) {
		s.Etcd, s.Image = release.String(), ""
		switch {
		case runs == "":
		case !cluster.Runtime(c.runtime.Name()).RunsPrograms(): // it is an image
			s.Image = runs
		case s.EtcdBinary != "" && !strings.Contains(s.EtcdBinary, "{"):
			s.EtcdBinary = runs
		}
	})
}

// runs is the image or the program of members of a release; empty for none.
func (c *Cluster) runs(release cluster.Version) string {
	for _, s := range c.have.Members() {
		if s.Release == release.String() {
			return s.Program
		}
	}
	return ""
}

// bridge is the wanted cluster with members that answer with and without TLS.
func (c *Cluster) bridge(ctx context.Context) (*cluster.Cluster, error) {
	want, err := c.onTheWay(ctx, func(s *cluster.Spec) { s.TLS = string(cluster.Mutual) })
	if err != nil {
		return nil, err
	}
	return want.Bridged(), nil
}

// onTheWay is the wanted cluster, described otherwise in one point.
func (c *Cluster) onTheWay(ctx context.Context, otherwise func(*cluster.Spec)) (*cluster.Cluster, error) {
	spec, err := c.Complete()
	if err != nil {
		return nil, err
	}
	otherwise(&spec)
	want, err := c.runtime.Place(ctx, spec)
	if err != nil {
		return nil, err
	}
	return want.AsStarted(c.have.Started()), nil
}

// said are the properties that may become weaker, because the spec says what they
// are to be.
func said(spec cluster.Spec) []string {
	var names []string
	for _, x := range []struct {
		value string
		names []string
	}{
		{spec.Publish, []string{runtime.Published}},
		{spec.Data, []string{"data"}},
		{spec.Protect, []string{"protect"}},
		{spec.QuotaBackendBytes, []string{"quota-backend-bytes"}},
		{spec.Profile, []string{"profile", "data", "quota-backend-bytes", "unsafe-no-fsync"}},
		{spec.TLS, []string{"client-cert-auth", "peer-client-cert-auth", "trusted-ca-file", "peer-trusted-ca-file", "client-crl-file", "peer-crl-file"}},
	} {
		if x.value != "" {
			names = append(names, x.names...)
		}
	}
	if spec.SpansMachines() { // whose hosts say where ports are
		names = append(names, runtime.Published)
	}
	for name := range spec.Settings {
		names = append(names, name)
	}
	return names
}
