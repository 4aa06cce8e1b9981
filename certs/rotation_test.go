package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func TestMoveFollowsFromWhatTheMembersSay(t *testing.T) {
	at := func(stages ...certs.Stage) []certs.Standing {
		var list []certs.Standing
		for i, s := range stages {
			list = append(list, certs.Standing{Name: []string{"ca/client", "ca/peer"}[i], Stage: s})
		}
		return list
	}
	says := func(member string, role certs.Role, trusts bool) certs.Answer {
		return certs.Answer{Member: member, Authority: "ca/client", Role: role, Trusts: trusts}
	}
	for name, test := range map[string]struct {
		stages    []certs.Standing
		answers   []certs.Answer
		confirmed bool
		want      certs.Move
	}{
		"nothing is replaced": {at("", ""), nil, true, certs.Move{Kind: certs.Done}},
		"a member does not trust the next": {
			at(certs.Begin, certs.Begin),
			[]certs.Answer{says("etcd1", certs.Next, true), says("etcd2", certs.Next, false)},
			true,
			certs.Move{Kind: certs.Restart, Members: []string{"etcd2"}},
		},
		"all trust the next": {
			at(certs.Begin, certs.Begin),
			[]certs.Answer{says("etcd1", certs.Next, true)},
			false,
			certs.Move{Kind: certs.DoStage, Authorities: []string{"ca/client", "ca/peer"}},
		},
		"one authority is further": {
			at(certs.Begin, certs.Switch), nil, true,
			certs.Move{Kind: certs.DoStage, Authorities: []string{"ca/client"}},
		},
		"clients may have to be told": {
			at(certs.Switch), nil, false, certs.Move{Kind: certs.Confirm, Authorities: []string{"ca/client"}},
		},
		"clients were told": {
			at(certs.Switch), nil, true, certs.Move{Kind: certs.DoStage, Authorities: []string{"ca/client"}},
		},
		"a member trusts what is gone": {
			at(certs.Finish),
			[]certs.Answer{says("etcd3", certs.Gone, true)},
			true,
			certs.Move{Kind: certs.Restart, Members: []string{"etcd3"}},
		},
		"nobody does": {
			at(certs.Finish),
			[]certs.Answer{says("etcd3", certs.Gone, false)},
			true,
			certs.Move{Kind: certs.Settle, Authorities: []string{"ca/client"}},
		},
		"nobody runs": {at(certs.Finish), nil, true, certs.Move{Kind: certs.Settle, Authorities: []string{"ca/client"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := certs.Condition{Authorities: test.stages, Answers: test.answers}
			if diff := cmp.Diff(test.want, c.Move(test.confirmed)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// fakeMembers serve with what their files held when they were started, and show
// what their files hold, as etcd does.
type fakeMembers struct {
	*testPKI
	theirs  *testPKI // the files as members see them
	version uint16   // of TLS
	started map[string]*x509.CertPool
	after   int   // moves after which everything is cut
	away    error // why one can't be had back
}

var errCut = errors.New("cut")

func (f *fakeMembers) start(member string) {
	for _, profile := range []string{"server", "peer"} {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(f.theirs.read("members/" + member + "/" + profile + "/ca.crt"))
		f.started[member+" "+profile] = pool
	}
}

// dial connects to a member's port: "etcd1:server" or "etcd1:peer".
func (f *fakeMembers) dial(ctx context.Context, _, address string) (net.Conn, error) {
	member, profile, _ := strings.Cut(address, ":")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: f.version, ClientAuth: tls.RequireAndVerifyClientCert,
		Certificates: []tls.Certificate{f.theirs.pair("members/" + member + "/" + profile)},
		ClientCAs:    f.started[member+" "+profile],
		Time:         f.Now,
	})
	if err != nil {
		return nil, err
	}
	go func() {
		defer l.Close()
		if conn, err := l.Accept(); err == nil {
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1)) // until the other side has seen enough
		}
	}()
	return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
}

func (f *fakeMembers) ask(ctx context.Context) ([]certs.Answer, error) {
	return f.Ask(ctx, f.dial, []certs.Listener{
		{Member: "etcd1", Client: "etcd1:server", Peer: "etcd1:peer"},
		{Member: "etcd2", Client: "etcd2:server", Peer: "etcd2:peer"},
	})
}

// count cuts the run after some moves, and looks whether everybody is let in.
func (f *fakeMembers) count() error {
	f.wantEverybodyLetIn()
	if f.after--; f.after == 0 {
		return errCut
	}
	return nil
}

func (f *fakeMembers) wantEverybodyLetIn() {
	f.t.Helper()
	for who, where := range map[string][]string{
		"clients/root":         {"etcd1 server", "etcd2 server"},
		"members/etcd1/server": {"etcd1 server"}, // its JSON gateway
		"members/etcd1/peer":   {"etcd2 peer"},
		"members/etcd2/peer":   {"etcd1 peer"},
	} {
		for _, at := range where {
			shown := f.theirs
			if who == "clients/root" {
				shown = f.testPKI
			}
			_, err := shown.cert(who).Verify(x509.VerifyOptions{Roots: f.started[at], CurrentTime: f.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			if err != nil {
				f.t.Errorf("%s is refused at %s: %v", who, at, err)
			}
		}
	}
}

func (f *fakeMembers) rotation() *certs.Rotation {
	return &certs.Rotation{
		PKI: f.PKI, RotateOptions: certs.RotateOptions{Stage: certs.Begin}, Own: []string{"root"}, Ask: f.ask,
		Gather: func(context.Context) error { return f.away },
		Restart: func(_ context.Context, members []string) error {
			for _, m := range members {
				f.start(m)
				if err := f.count(); err != nil {
					return err
				}
			}
			return nil
		},
		Tell: func(certs.Report) {},
	}
}

func newFakeMembers(t *testing.T, version uint16) *fakeMembers {
	t.Helper()
	pki := newPKI(t)
	f := &fakeMembers{testPKI: pki, theirs: pki, version: version, started: map[string]*x509.CertPool{}, after: -1}
	f.ensure(orders())
	f.start("etcd1")
	f.start("etcd2")
	return f
}

// TestRotationThatIsCutAnywhereGoesOn cuts a replacement after each of its moves
// and has it run again, while every identity has to be let in all the time.
func TestRotationThatIsCutAnywhereGoesOn(t *testing.T) {
	for cut := range 6 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			f := newFakeMembers(t, tls.VersionTLS12)
			was := f.cert("ca/client")
			f.after = cut
			if err := f.rotation().Run(t.Context()); err != nil {
				if !errors.Is(err, errCut) {
					t.Fatal(err)
				}
				f.after = -1
				if err := f.rotation().Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			f.wantEverybodyLetIn()
			f.wantReplaced(was)
		})
	}
}

// Whoever types the command again that was over, as after an interruption, means no other
// replacement.
func TestARotationThatIsOverIsNotBegunAgain(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	do := func(how certs.How) error {
		t.Helper()
		was := f.cert("ca/client")
		_, errForecast := f.rotation().Forecast(t.Context(), how)
		_, err := f.rotation().Do(t.Context(), how)
		recent := errors.As(err, new(*certs.RecentError))
		if errors.As(errForecast, new(*certs.RecentError)) != recent || recent != f.cert("ca/client").Equal(was) {
			t.Errorf("it is foretold as %v, and gives %v", errForecast, err)
		}
		return err
	}
	f.now = f.now.Add(time.Minute)
	for _, want := range []bool{false, true} { // authorities that are young, and the first, may be replaced
		if err := do(certs.How{}); errors.As(err, new(*certs.RecentError)) != want {
			t.Errorf("it gives %v", err)
		}
		f.now = f.now.Add(time.Hour)
	}
	if err := do(certs.How{AtOnce: true}); err != nil {
		t.Error(err)
	}
	f.start("etcd1")
	f.start("etcd2")
	f.now = f.now.Add(time.Hour)
	f.rotate(certs.Begin)
	if err := do(certs.How{}); err != nil {
		t.Errorf("one that was begun by itself: %v", err)
	}
	f.now = f.now.Add(24 * time.Hour)
	if err := do(certs.How{}); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func (f *fakeMembers) wantReplaced(was *x509.Certificate) {
	f.t.Helper()
	if f.cert("ca/client").Equal(was) {
		f.t.Error("the authority is the old one")
	}
	for _, pool := range f.started {
		if _, err := was.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: f.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
			f.t.Error("a member trusts the old authority still")
		}
	}
	if got := f.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		f.t.Errorf("findings: %q", got)
	}
}

// copied gives members copies of their files, and what brings these up to date.
func (f *fakeMembers) copied() (share func() error) {
	f.t.Helper()
	theirs := *f.testPKI
	theirs.PKI = &certs.PKI{Dir: filepath.Join(f.t.TempDir(), "copies"), Now: f.Now}
	f.theirs = &theirs
	share = func() error {
		if err := os.RemoveAll(theirs.Dir); err != nil {
			return err
		}
		return os.CopyFS(filepath.Join(theirs.Dir, "members"), os.DirFS(filepath.Join(f.Dir, "members")))
	}
	if err := share(); err != nil {
		f.t.Fatal(err)
	}
	return share
}

// bringer is how members that don't see the files come to them, cut at some time of all.
type bringer struct {
	*fakeMembers
	share   func() error
	remakes bool // members are made anew with them
	cut     int
	moves   []string
}

func (b *bringer) rotation() *certs.Rotation {
	r := b.watched(&b.moves)
	if b.remakes {
		r.Remake = b.remake
	} else {
		r.Share = func(context.Context) error { return b.bring("share") }
	}
	return r
}

func (b *bringer) bring(how string) error {
	if b.cut--; b.cut == 0 {
		return errCut
	}
	b.moves = append(b.moves, how)
	return b.share()
}

func (b *bringer) remake(context.Context) error {
	if err := b.bring("remake"); err != nil {
		return err
	}
	b.start("etcd1")
	b.start("etcd2")
	return b.count()
}

// Members that don't see the files have to be given them after each stage, before anything
// else is done, by whoever goes on as well.
func TestRotationBringsMembersTheFilesThatTheyDoNotSee(t *testing.T) {
	const restart = "restart etcd1 etcd2"
	for _, remakes := range []bool{false, true} {
		want := []string{"files", "share", restart, "files", "share", "files", "share", restart, "files"}
		if remakes {
			want = []string{"files", "remake", "files", "remake", "files", "remake", "files"}
		}
		for cut := range 4 {
			t.Run(fmt.Sprintf("made anew: %t, cut at %d", remakes, cut), func(t *testing.T) {
				f := newFakeMembers(t, tls.VersionTLS12)
				was := f.cert("ca/client")
				b := &bringer{fakeMembers: f, share: f.copied(), remakes: remakes, cut: cut}
				err := b.rotation().Run(t.Context())
				if errors.Is(err, errCut) {
					err = b.rotation().Run(t.Context())
				} else if diff := cmp.Diff(want, b.moves); diff != "" {
					t.Errorf("moves (-want +got):\n%s", diff)
				}
				if err != nil {
					t.Fatal(err)
				}
				f.wantEverybodyLetIn()
				f.wantReplaced(was)
			})
		}
	}
}

// TestRotationGoesBackFromEachStage aborts after each move.
func TestRotationGoesBackFromEachStage(t *testing.T) {
	for _, stages := range [][]certs.Stage{{certs.Begin}, {certs.Begin, certs.Switch}} {
		f := newFakeMembers(t, tls.VersionTLS12)
		was := f.cert("ca/client")
		for _, stage := range stages {
			f.RotateCA(t.Context(), certs.RotateOptions{Stage: stage}) //nolint:errcheck // what it does is looked at
			f.start("etcd1")
			f.start("etcd2")
		}
		if err := f.rotation().Abort(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.wantEverybodyLetIn()
		if !f.cert("ca/client").Equal(was) {
			t.Errorf("after %v: another authority issues", stages)
		}
		if got := f.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
			t.Errorf("after %v: findings: %q", stages, got)
		}
	}
	f := newFakeMembers(t, tls.VersionTLS12)
	for _, stage := range certs.Stages() {
		f.rotate(stage)
		f.start("etcd1")
		f.start("etcd2")
	}
	wantError(t, f.rotation().Abort(t.Context()), "change back to it with --ca-cert ca/client/gone.crt and --ca-key ca/client/gone.key")
	old, err := certs.LoadAuthority(f.Dir+"/ca/client/gone.crt", f.Dir+"/ca/client/gone.key")
	if err != nil {
		t.Fatal(err)
	}
	was := f.trusted("ca/client/gone.crt")
	r := f.rotation()
	r.Authority, r.Profiles = old, []certs.Profile{certs.Client}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantEverybodyLetIn()
	if diff := cmp.Diff(was, f.trusted("ca/client/tls.crt")); diff != "" {
		t.Errorf("the authority that was changed back to (-want +got):\n%s", diff)
	}
}

// What is said of one authority is done to that one, wherever the other is.
func TestRotationOfOneAuthorityLeavesTheOther(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.rotate(certs.Begin)
	f.start("etcd1")
	f.start("etcd2")
	stages := func() map[string]certs.Stage {
		c, err := f.Condition()
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]certs.Stage{}
		for _, a := range c.Authorities {
			of[a.Name] = a.Stage
		}
		return of
	}
	back := f.rotation()
	back.Profiles = []certs.Profile{certs.Client}
	if err := back.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]certs.Stage{"ca/client": "", "ca/peer": certs.Begin}, stages()); diff != "" {
		t.Errorf("after the abort of one (-want +got):\n%s", diff)
	}
	other := f.rotation()
	other.Profiles = []certs.Profile{certs.Client}
	if err := other.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]certs.Stage{"ca/client": "", "ca/peer": certs.Begin}, stages()); diff != "" {
		t.Errorf("after the replacement of the other (-want +got):\n%s", diff)
	}
	f.wantEverybodyLetIn()
}

// Clients trust the clients' authority, and have nothing to learn of the peers'.
func TestRotationOfThePeersAuthorityWaitsForNoClient(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.report(f.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	was := f.cert("ca/peer")
	r := f.rotation()
	r.Profiles = []certs.Profile{certs.Peer}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.cert("ca/peer").Equal(was) {
		t.Error("the authority is the old one")
	}
	f.wantEverybodyLetIn()
}

// A member that can't be had back is no reason to begin, nor to go back.
func TestRotationTouchesNothingBeforeAllMembersServe(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.away = errCut
	was := f.cert("ca/client")
	for what, do := range map[string]func(context.Context) error{"run": f.rotation().Run, "abort": f.rotation().Abort} {
		if err := do(t.Context()); !errors.Is(err, errCut) {
			t.Errorf("%s: error %v, want %v", what, err, errCut)
		}
	}
	if c, err := f.Condition(); err != nil || c.Replacing() || !f.cert("ca/client").Equal(was) {
		t.Errorf("a replacement has begun: %v", err)
	}
}

// Another command may have a member that does not run, as one that replaces it does.
func TestRotationWaitsForAMemberThatIsStoppedMeanwhile(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	was := f.cert("ca/client")
	r := f.rotation()
	stopped := false
	ask, restart := r.Ask, r.Restart
	r.Gather = func(context.Context) error { stopped = false; return nil }
	r.Restart = func(ctx context.Context, members []string) error { stopped = true; return restart(ctx, members) }
	r.Ask = func(ctx context.Context) ([]certs.Answer, error) {
		if stopped {
			return nil, errCut
		}
		return ask(ctx)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantReplaced(was)
}

// Of two at the same time both end well, whichever does a stage first.
func TestRotationsAtTheSameTimeReplaceTheAuthoritiesOnce(t *testing.T) {
	for _, at := range []int{1, 2, 3, 4} {
		f := newFakeMembers(t, tls.VersionTLS12)
		was := f.cert("ca/client")
		r := f.rotation()
		asked := 0
		ask := r.Ask
		r.Ask = func(ctx context.Context) ([]certs.Answer, error) {
			answers, err := ask(ctx)
			if asked++; asked == at {
				if err := f.rotation().Run(ctx); err != nil {
					t.Error(err)
				}
			}
			return answers, err
		}
		if err := r.Run(t.Context()); err != nil {
			t.Errorf("beside another that comes between at %d: %v", at, err)
		}
		f.wantReplaced(was)
	}
}

func TestRotationWaitsForClientsFromElsewhere(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.report(f.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	r := f.rotation()
	r.Confirmed = true // of certificates that are only about to be made
	for range 2 {
		waits := (*certs.UnconfirmedError)(nil)
		if err := r.Run(t.Context()); !errors.As(err, &waits) {
			t.Fatalf("error %v", err)
		}
		if diff := cmp.Diff([]string{"clients/alice"}, waits.Clients); diff != "" {
			t.Errorf("clients (-want +got):\n%s", diff)
		}
		r = f.rotation()
	}
	r.Confirmed = true
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Whoever is refused already has nothing to learn of the next authority.
func TestRotationWaitsForNoClientThatWasRevoked(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.report(f.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	f.report(f.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"alice"}}))
	if err := f.rotation().Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	findings, err := f.Verify(certs.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 1 || !strings.HasPrefix(findings[0].Problem, "was revoked on ") {
		t.Errorf("what is wrong with it: %v", findings)
	}
}

func TestMembersAnswerInEachVersionOfTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f := newFakeMembers(t, version)
		f.rotate(certs.Begin)
		f.start("etcd1")
		got, err := f.ask(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []certs.Answer{
			{Member: "etcd1", Authority: "ca/client", Role: certs.Next, Trusts: true},
			{Member: "etcd2", Authority: "ca/client", Role: certs.Next},
			{Member: "etcd1", Authority: "ca/peer", Role: certs.Next, Trusts: true},
			{Member: "etcd2", Authority: "ca/peer", Role: certs.Next},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tls.VersionName(version), diff)
		}
	}
}

func TestMemberThatCannotBeAskedIsNamed(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.rotate(certs.Begin)
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errCut }
	_, err := f.Ask(t.Context(), refuse, []certs.Listener{{Member: "etcd1"}})
	wantError(t, err, "etcd1 cannot be asked what it trusts: cut")
	f.remove("ca/peer/next.key")
	_, err = f.ask(t.Context())
	wantError(t, err, "authority ca/peer: the key of the next one is not here, so that no member can be asked about it: put it at ca/peer/next.key until the replacement is over, and leave ca/peer/tls.key as it is")
}

// Whoever keeps authorities' keys elsewhere has the old one as tls.key. There it would take
// the place of the new one, of which there is no other copy.
func TestAKeyThatWasKeptElsewhereIsPutBackBesideTheNewOne(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.remove("ca/client/tls.key")
	for _, stage := range certs.Stages() {
		f.rotate(stage)
	}
	_, err := f.ask(t.Context())
	wantError(t, err, "authority ca/client: the key of the old one is not here, so that no member can be asked about it: put it at ca/client/gone.key until the replacement is over, and leave ca/client/tls.key as it is")
}
