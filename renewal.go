package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/lifespan"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file renews certificates while the members run. They show the new ones
// from the next handshake on, and none is restarted, but where a runtime gives a member
// other files only with a new start.

// Files of auto-TLS, which etcd keeps with a member's data.
const (
	fixturesFolder = "fixtures"
	fixtureCert    = "cert.pem"
	fixtureKey     = "key.pem"
)

// ErrNoCertificates is the error of a cluster with tls: none.
var ErrNoCertificates = errors.New("its members have no certificates")

// ElsewhereError is the error of certificates that end soon and whose authority is
// elsewhere, where nothing was said of how to have them renewed.
type ElsewhereError struct{ Identities []string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("%s: due for renewal, by an authority that is not here", strings.Join(e.Identities, ", "))
}

// RenewalOptions are what a renewal of what is due leaves to be chosen.
type RenewalOptions struct {
	Sign   certs.Sign                          // signs what has its authority elsewhere; nil: nobody does
	Change func(context.Context, Change) error // makes a change of members; nil stands for Make
}

// RenewDue renews what is due by the Spec's key certs, also of auto-TLS, and brings
// what has become new to members that have copies of their files, or keep those that they
// were made with. The report tells what was done even where the error tells what could
// not be.
func (c *Cluster) RenewDue(ctx context.Context, o RenewalOptions) (certs.Report, error) {
	want, err := c.Want(ctx)
	if err != nil {
		return certs.Report{}, err
	}
	switch want.TLS {
	case cluster.NoTLS:
		return certs.Report{}, fmt.Errorf("%s: %w", want.Name, ErrNoCertificates)
	case cluster.AutoTLS:
		return c.renewDueSelfSigned(ctx, want.Renewal.Due)
	}
	report, err := c.rosteredNow(ctx).Renew(ctx, certs.RenewOptions{Due: want.Renewal.Due})
	elsewhere, errElsewhere := c.renewElsewhere(ctx, want, o.Sign)
	renewed := slices.DeleteFunc(append(report.Changes, elsewhere.Changes...), func(c certs.Change) bool { return c.Action == certs.Reused })
	return certs.Report{Changes: renewed}, errors.Join(err, errElsewhere, c.handOut(ctx, want), c.makeAnew(ctx, o.Change))
}

func (c *Cluster) renewElsewhere(ctx context.Context, want *cluster.Cluster, sign certs.Sign) (certs.Report, error) {
	if sign != nil {
		return c.PKI().RenewElsewhere(ctx, CertsPlan(want), want.Renewal.Due, sign)
	}
	due := &ElsewhereError{}
	_, err := c.PKI().RenewElsewhere(ctx, CertsPlan(want), want.Renewal.Due, func(_ context.Context, identity string, _ []byte) ([]byte, error) {
		due.Identities = append(due.Identities, identity)
		return nil, due
	})
	if len(due.Identities) > 0 {
		err = due
	}
	return certs.Report{}, err
}

// OldCopies are the members that have other certificates where they run than this folder
// has: Up brings them these, while they run unless KeepsCertificates.
func (c *Cluster) OldCopies(ctx context.Context) ([]string, error) {
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) || err == nil && c.o.Provided {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	want, err := c.Want(ctx)
	if err != nil || want.TLS != cluster.Mutual {
		return nil, err
	}
	if c.KeepsCertificates() {
		return c.madeWithOthers(ctx, want, have)
	}
	t, ok := c.runtime.(runtime.CopyTeller)
	if !ok {
		return nil, nil
	}
	old, err := t.OldCopies(ctx, want)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, nil
	}
	return old, err
}

// KeptError is the error of members to which nobody could bring the files of this folder.
type KeptError struct {
	// Anew are those that keep the files that they were made with: Up makes them anew.
	Anew []string
	// Away are those whose machines don't answer.
	Away []string
	// Handed are those to whose machines somebody takes the files.
	Handed []string
}

func (e *KeptError) Error() string {
	var said []string
	if len(e.Anew) > 0 {
		said = append(said, fmt.Sprintf("%s: a member of this kind keeps the files that it was made with", strings.Join(e.Anew, ", ")))
	}
	if len(e.Away) > 0 {
		said = append(said, fmt.Sprintf("%s: a machine that does not answer can be brought no files", strings.Join(e.Away, ", ")))
	}
	if len(e.Handed) > 0 {
		said = append(said, fmt.Sprintf("%s: a machine has the files that somebody has taken there", strings.Join(e.Handed, ", ")))
	}
	return strings.Join(said, "; ")
}

// HandOut brings members the files of this folder, where they have copies, while they run.
// Those that it does not reach are a *KeptError.
func (c *Cluster) HandOut(ctx context.Context) error {
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) || err == nil && len(have.Members()) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	want, err := c.Want(ctx)
	if err != nil || want.TLS != cluster.Mutual || c.o.Provided {
		return err
	}
	if err := c.handOut(ctx, want); err != nil {
		return err
	}
	return unreached(have, c.KeepsCertificates(), runtime.HandsFiles(c.runtime))
}

// unreached is a *KeptError of the members that can be brought no files.
func unreached(have *runtime.State, keeps, handed bool) error {
	kept := &KeptError{}
	for _, m := range have.Present() {
		switch {
		case m.Status == runtime.Away:
			kept.Away = append(kept.Away, m.Name)
		case keeps:
			kept.Anew = append(kept.Anew, m.Name)
		case handed:
			kept.Handed = append(kept.Handed, m.Name)
		}
	}
	if len(kept.Anew)+len(kept.Away)+len(kept.Handed) == 0 {
		return nil
	}
	return kept
}

// KeepsCertificates tells that the members keep the certificates that they were made with:
// to get others each is made anew, one after the other.
func (c *Cluster) KeepsCertificates() bool { return runtime.KeepsFiles(c.runtime) }

// madeWithOthers are the members that keep other certificates than this folder has.
func (c *Cluster) madeWithOthers(ctx context.Context, want *cluster.Cluster, have *runtime.State) (members []string, err error) {
	changes, err := c.runtime.Changes(ctx, want, have)
	for _, x := range changes {
		if slices.ContainsFunc(x.Differences, func(d runtime.Difference) bool { return d.Name == runtime.Certificates }) {
			members = append(members, x.Server)
		}
	}
	return members, err
}

// StillError is the error of members that keep other certificates than there are here, and
// are not made anew while another does not run.
type StillError struct {
	Members []string
	Still   string
}

func (e *StillError) Error() string {
	return fmt.Sprintf("%s: has other certificates than are here, and is not made anew while %s does not run", strings.Join(e.Members, ", "), e.Still)
}

// makeAnew makes members anew, one after the other, that keep other certificates than this
// folder has. Those that were stopped, all of them, stay so: they start with what is here.
func (c *Cluster) makeAnew(ctx context.Context, change func(context.Context, Change) error) error {
	if !c.KeepsCertificates() {
		return nil
	}
	old, err := c.OldCopies(ctx)
	if err != nil || len(old) == 0 || !c.have.Runs() {
		return err
	}
	// Up would start them, though somebody may have stopped them, and make no other anew
	// before they serve.
	if i := slices.IndexFunc(c.have.Present(), func(m runtime.Server) bool { return !m.Runs() }); i >= 0 {
		return &StillError{Members: old, Still: c.have.Present()[i].Name}
	}
	if err := c.wantOnlyCertificates(ctx); err != nil {
		return err
	}
	if change == nil {
		change = c.makeOnly
	}
	return change(ctx, Change{Verb: converge.Up})
}

// handOut brings members the files of this folder, if they have copies.
func (c *Cluster) handOut(ctx context.Context, want *cluster.Cluster) error {
	s, ok := c.runtime.(runtime.Sharer)
	if !ok || c.o.Provided || want.TLS != cluster.Mutual {
		return nil
	}
	if err := c.checkMeant(Change{Verb: converge.Restart}); err != nil {
		return err // nobody would let in whom these let in
	}
	return s.Share(ctx, want)
}

// SelfSigned is what was renewed of a member's certificates that etcd has made up.
type SelfSigned struct {
	Member string
	Uses   []string // client, peer; none: all end late enough
	Until  time.Time
}

// renewDueSelfSigned is RenewSelfSigned of what is due, of members that run.
func (c *Cluster) renewDueSelfSigned(ctx context.Context, due time.Duration) (certs.Report, error) {
	var names []string
	if c.have != nil {
		for _, m := range running(c.have) {
			names = append(names, m.Name)
		}
	}
	all, err := c.RenewSelfSigned(ctx, names, due, 0)
	var report certs.Report
	for _, m := range all {
		for _, use := range m.Uses {
			report.Changes = append(report.Changes, certs.Change{
				Identity: "members/" + m.Member + "/" + use, Action: certs.Renewed, Cause: "until " + lifespan.When(m.Until, c.o.Now()),
			})
		}
	}
	return report, err
}

// RenewSelfSigned gives members of auto-TLS new certificates, where they are: etcd
// makes them at its first start, and never again. Those that end later than within
// are left alone, none with 0; lifetime 0 stands for that of the one before.
func (c *Cluster) RenewSelfSigned(ctx context.Context, members []string, within, lifetime time.Duration) ([]SelfSigned, error) {
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	files, ok := c.runtime.(runtime.Copier)
	if !ok {
		return nil, fmt.Errorf("the files of members can't be replaced on the runtime %s: `etcdctr member replace` makes a member anew, with new ones", c.runtime.Name())
	}
	var all []SelfSigned
	var errs []error
	for _, m := range have.Members() {
		if !slices.Contains(members, m.Name) {
			continue
		}
		one, err := c.renewFixtures(ctx, files, m, within, lifetime)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Name, err))
			continue
		}
		all = append(all, one)
	}
	return all, errors.Join(errs...)
}

func (c *Cluster) renewFixtures(ctx context.Context, files runtime.Copier, m runtime.Server, within, lifetime time.Duration) (SelfSigned, error) {
	done := SelfSigned{Member: m.Name}
	if m.TLS() != cluster.AutoTLS {
		return done, &InputError{fmt.Errorf("it has tls: %s, and no certificates that etcd has made up", m.TLS())}
	}
	name := c.spec.ClusterName()
	for _, use := range []string{"client", "peer"} {
		dir := path.Join(filepath.ToSlash(m.Settings.Get("data-dir")), fixturesFolder, use)
		was, err := files.ReadFile(ctx, name, m.Name, path.Join(dir, fixtureCert))
		if err != nil {
			return done, err
		}
		end, err := certs.SelfSignedUntil(was)
		if err != nil {
			return done, fmt.Errorf("%s: %w", use, err)
		}
		if within > 0 && end.Sub(c.o.Now()) > within {
			continue
		}
		made, err := certs.RenewSelfSigned(was, c.o.Now(), lifetime, c.o.Random)
		if err == nil {
			err = files.ReplaceFiles(ctx, name, m.Name, dir, map[string][]byte{fixtureKey: made.Key, fixtureCert: made.Cert})
		}
		if err != nil {
			return done, err
		}
		done.Uses, done.Until = append(done.Uses, use), made.Until
	}
	return done, nil
}

// MemberCertificate is the certificate, as DER, that a member shows to its clients by a folder
// of certificates; nil where that has none.
func MemberCertificate(certsDir, member string) ([]byte, error) {
	file := filepath.Join(certs.MemberDir(certsDir, member, certs.Server), certs.CertFile)
	if !exists(file) {
		return nil, nil
	}
	chain, err := certs.LoadCertificates(file)
	if err != nil {
		return nil, err
	}
	return chain[0].Raw, nil
}
