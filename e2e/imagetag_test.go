//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// imageTagged gives an etcd of a minor under a tag that does not say so.
func imageTagged(t *testing.T, minor int, tag, more string) string {
	t.Helper()
	return must(t, func() (string, error) {
		return build(tag, fmt.Sprintf("FROM %s\n%s", etcdImage(t, minor), more))
	})
}

// Members of etcd 3.5 know discovery by another protocol than those after it: taken
// for today's, they would form three clusters.
func TestAnImageIsTakenForTheReleaseThatItIs(t *testing.T) {
	for name, more := range map[string]string{"labelled:latest": "LABEL org.opencontainers.image.version=v3.5.35\n", "bare:stable": ""} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			s.ref = imageTagged(t, 5, name, more)
			if file := s.etcdctr("compose"); !strings.Contains(file, "# etcd v3.5.") {
				t.Errorf("the file is for another release:\n%s", file)
			}
			s.etcdctr("up", "--bootstrap", "discovery")
			report, code := s.health()
			if code != 0 || len(report.Members) != 3 {
				t.Errorf("health: %+v", report)
			}
			for _, m := range report.Members {
				if "v"+m.Version != cluster.KnownPatches[5].String() {
					t.Errorf("%s is an etcd %s", m.Name, m.Version)
				}
			}
			if out := s.etcdctr("up", "--dry-run", "--format", "json"); strings.TrimSpace(out) != "[]" {
				t.Errorf("something is left to do: %s", out)
			}
		})
	}
}

func TestAnImageThatIsCalledByAnotherReleaseIsToldApart(t *testing.T) {
	s, before := newStack(t), cluster.NewestMinor-1
	s.ref = imageTagged(t, before, "mislabelled:"+cluster.DefaultVersion.String(), "")
	_, err := s.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, "it is an etcd "+minorRelease(before)+".", "is said to be "+cluster.DefaultVersion.String(), "hint: call it what it is, etcd: "+minorRelease(before))
}
