package certs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// foretold are the moves of a forecast that touch files or members.
func foretold(t *testing.T, r *certs.Rotation, how certs.How) []string {
	t.Helper()
	moves, err := r.Forecast(t.Context(), how)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range moves {
		switch m.Kind {
		case certs.Confirm:
		case certs.Restart:
			list = append(list, "restart "+strings.Join(m.Members, " "))
		default:
			list = append(list, "files")
		}
	}
	return list
}

// watched is a rotation that notes its moves.
func (f *fakeMembers) watched(moves *[]string) *certs.Rotation {
	r := f.rotation()
	restart := r.Restart
	r.Restart = func(ctx context.Context, members []string) error {
		*moves = append(*moves, "restart "+strings.Join(members, " "))
		return restart(ctx, members)
	}
	r.Tell = func(certs.Report) { *moves = append(*moves, "files") }
	return r
}

// contents are all files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			all[path] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestForecastOfARotationIsWhatItDoesFromWhereverItWasCut(t *testing.T) {
	for _, how := range []certs.How{{}, {Abort: true}, {AtOnce: true}} {
		for cut := range 4 {
			t.Run(fmt.Sprintf("%+v/%d", how, cut), func(t *testing.T) {
				f := cutAt(t, cut)
				switch {
				case how.Abort && cut == 0:
					if _, err := f.rotation().Forecast(t.Context(), how); !errors.Is(err, certs.ErrIdle) {
						t.Errorf("nothing is replaced, and it says %v", err)
					}
				case how.Abort && cut == 3:
					if _, err := f.rotation().Forecast(t.Context(), how); err == nil || !strings.Contains(err.Error(), "not trusted any more") {
						t.Errorf("there is no way back, and it says %v", err)
					}
				default:
					f.wantForetold(t, how)
				}
			})
		}
	}
}

// cutAt is a rotation that has ended after so many moves; 0 has not begun.
func cutAt(t *testing.T, cut int) *fakeMembers {
	t.Helper()
	f := newFakeMembers(t, tls.VersionTLS12)
	if f.after = cut; cut > 0 {
		if err := f.rotation().Run(t.Context()); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
	}
	f.after = -1
	return f
}

// wantForetold wants the moves that are made to be those that were foretold, and that to
// have changed nothing.
func (f *fakeMembers) wantForetold(t *testing.T, how certs.How) {
	t.Helper()
	before := contents(t, f.Dir)
	want := foretold(t, f.rotation(), how)
	if diff := cmp.Diff(before, contents(t, f.Dir)); diff != "" {
		t.Fatalf("the forecast has changed files:\n%s", diff)
	}
	var got []string
	if _, err := f.watched(&got).Do(t.Context(), how); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("moves (-foretold +made):\n%s", diff)
	}
}

func TestForecastOfARotationRestartsNoMemberThatHasLeft(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	grown := orders()
	grown.Members = append(grown.Members, certs.Member{Name: "etcd3"})
	f.ensure(grown) // and it never started
	r := f.rotation()
	r.Members = []string{"etcd1", "etcd2"}
	want := []string{"files", "restart etcd1 etcd2", "files", "files", "restart etcd1 etcd2", "files"}
	if diff := cmp.Diff(want, foretold(t, r, certs.How{})); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestForecastOfARotationHasMembersMadeAnewThatKeepTheirFiles(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	r := f.rotation()
	r.Remake = func(context.Context) error { return nil }
	const anew = "restart etcd1 etcd2"
	want := []string{"files", anew, "files", anew, "files", anew, "files"}
	if diff := cmp.Diff(want, foretold(t, r, certs.How{})); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestForecastOfARotationNamesTheClientsThatHaveToBeTold(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.report(f.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	moves, err := f.rotation().Forecast(t.Context(), certs.How{})
	if err != nil {
		t.Fatal(err)
	}
	want := []certs.Move{
		{Kind: certs.DoStage, Stage: certs.Begin, Authorities: []string{"ca/client", "ca/peer"}},
		{Kind: certs.Restart, Members: []string{"etcd1", "etcd2"}},
		{Kind: certs.DoStage, Stage: certs.Switch, Authorities: []string{"ca/client", "ca/peer"}},
		{Kind: certs.Confirm, Authorities: []string{"ca/client"}, Clients: []string{"clients/alice"}},
		{Kind: certs.DoStage, Stage: certs.Finish, Authorities: []string{"ca/client", "ca/peer"}},
		{Kind: certs.Restart, Members: []string{"etcd1", "etcd2"}},
		{Kind: certs.Settle, Authorities: []string{"ca/client", "ca/peer"}},
	}
	if diff := cmp.Diff(want, moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestAReplacementIsAskedForInOneWay(t *testing.T) {
	for _, how := range []certs.How{{}, {Abort: true}, {AtOnce: true}, {Single: true}} {
		if err := how.Validate(); err != nil {
			t.Errorf("%+v: %v", how, err)
		}
	}
	for _, how := range []certs.How{{Abort: true, AtOnce: true}, {Abort: true, Single: true}, {AtOnce: true, Single: true}} {
		if how.Validate() == nil {
			t.Errorf("%+v goes together", how)
		}
	}
}

func TestGoingBackNamesWhatIsNotReplacedAndWhatIsStill(t *testing.T) {
	f := newFakeMembers(t, tls.VersionTLS12)
	f.report(f.RotateCA(t.Context(), certs.RotateOptions{Stage: certs.Begin, Profiles: []certs.Profile{certs.Peer}}))
	r := f.rotation()
	r.Profiles = []certs.Profile{certs.Client}
	for _, do := range []func() error{
		func() error { _, err := r.Do(t.Context(), certs.How{Abort: true}); return err },
		func() error { _, err := r.Forecast(t.Context(), certs.How{Abort: true}); return err },
	} {
		if err := do(); !errors.Is(err, certs.ErrIdle) || err.Error() != "no authority for clients is being replaced" {
			t.Errorf("error %v", err)
		}
	}
	if left, err := r.Underway(); err != nil || !cmp.Equal([]string{"ca/peer"}, left) {
		t.Errorf("under way: %v, %v", left, err)
	}
}
