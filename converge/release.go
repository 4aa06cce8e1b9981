package converge

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about which release of etcd runs: one minor at a time, up or
// down. All members serve, and none is a learner.

// release leads to the moment at which members may be rolled to the wanted
// minor.
func (c *scene) release() (*Step, error) {
	low, high, ok := c.runningMinors()
	if !ok || c.Want == nil {
		return nil, nil
	}
	if err := c.refuseMislabelled(); err != nil {
		return nil, err
	}
	want := c.Want.Etcd.Minor
	if target := c.loweringTo(); target >= 0 && target != want {
		return &Step{Kind: ForbidLower, To: minorVersion(target), Cause: fmt.Sprintf("%s is wanted", c.Want.Etcd), Takes: enableTakes}, nil
	}
	switch {
	case low < want:
		return c.raise(low, high)
	case high > want:
		return c.lower(low, high)
	}
	return nil, nil
}

// refuseMislabelled refuses to go on with members that run what was wanted, by its
// name, and are of another minor.
func (c *scene) refuseMislabelled() error {
	var errs []error
	for _, p := range c.those((*part).isVoter, (*part).serves, (*part).isWanted, (*part).isThere, not((*part).differs)) {
		minor, known := minorOf(p.end.Version)
		if !known || minor == c.Want.Etcd.Minor {
			continue
		}
		errs = append(errs, &Refusal{
			Server: p.name,
			Reason: fmt.Sprintf("it is an etcd %s, and what it was started from is said to be %s", p.end.Version, c.Want.Etcd),
			Remedy: Remedy{Text: fmt.Sprintf("call it what it is, etcd: 3.%d, or start it from another image or program", minor)},
		})
	}
	return errors.Join(errs...)
}

// raise prepares a roll to the next minor.
func (c *scene) raise(low, high int) (*Step, error) {
	if err := c.refuseAlarms(); err != nil {
		return nil, err
	}
	if agreed, ok := c.clusterMinor(); !ok || agreed < low {
		return &Step{Kind: AwaitVersion, To: minorVersion(low), Cause: "all have to agree on the release that they run", Takes: enableTakes}, nil
	}
	if high > low {
		return nil, nil // the roll has begun
	}
	if low >= 6 && !c.stored(low) {
		return &Step{Kind: AwaitStorage, To: minorVersion(low), Cause: "the data has to be of that release", Takes: enableTakes}, nil
	}
	refreshed := slices.ContainsFunc(c.Done, func(s Step) bool { return s.Kind == RefreshStore })
	if low == 6 && !refreshed {
		return &Step{
			Kind: RefreshStore, Servers: names(c.those((*part).isVoter)), To: minorVersion(low),
			Cause:  "etcd 3.7 does not read what 3.5 has left in the logs",
			Notice: Notice{Kind: Wait, For: handoverGap}, Takes: refreshTakes,
		}, nil
	}
	return nil, nil
}

// lower prepares a roll to the minor before: etcd has to be told, and to have
// lowered the version of its data in every member. Where not all had risen, there
// is nothing to lower.
func (c *scene) lower(low, high int) (*Step, error) {
	want := c.Want.Etcd.Minor
	agreed, ok := c.clusterMinor()
	switch {
	case c.undecided():
		return &Step{Kind: AwaitVersion, To: minorVersion(low), Cause: "all have to agree on the release that they run", Takes: enableTakes}, nil
	case !ok:
		return &Step{Kind: AwaitVersion, To: minorVersion(want), Cause: "all have to agree on the release that they run", Takes: enableTakes}, nil
	case c.loweringTo() == want && !c.stored(want):
		return &Step{Kind: AwaitStorage, To: minorVersion(want), Cause: "every member's data has to be lowered", Takes: enableTakes}, nil
	case c.loweringTo() == want, agreed <= want:
		return nil, nil
	}
	if err := c.refuseAlarms(); err != nil {
		return nil, err
	}
	return &Step{
		Kind: AllowLower, To: minorVersion(want), Cause: fmt.Sprintf("from 3.%d", high),
		Notice: Notice{Kind: Wait, For: enableGap}, Takes: enableTakes,
	}, nil
}

// settle waits until all have agreed on the release that runs now, where they came from
// another. Founders need none: what depends on it waits for it.
func (c *scene) settle() (*Step, error) {
	low, high, ok := c.runningMinors()
	if !ok || c.Want == nil || low != high || low != c.Want.Etcd.Minor || c.undecided() {
		return nil, nil
	}
	agreed, known := c.clusterMinor()
	if known && agreed == low && c.loweringTo() < 0 {
		return nil, nil
	}
	return &Step{Kind: AwaitVersion, To: minorVersion(low), Cause: "all run it", Takes: enableTakes}, nil
}

// compare has the members' data compared once something has been done that could
// part them.
func (c *scene) compare() (*Step, error) {
	at := func(kinds ...Kind) int {
		for i, s := range slices.Backward(c.Done) {
			if slices.Contains(kinds, s.Kind) {
				return i
			}
		}
		return -1
	}
	if at(Join, AllowLower, RefreshStore) <= at(CompareHashes) || !c.quorum || c.voters() < 2 {
		return nil, nil
	}
	return &Step{Kind: CompareHashes, Servers: names(c.those((*part).isVoter)), Cause: "all have to have the same"}, nil
}

// refuseRelease refuses what no order of steps leads to.
func (c *scene) refuseRelease() error {
	if c.Want == nil {
		return nil
	}
	var errs []error
	want := c.Want.Etcd
	for _, p := range c.those((*part).isWanted, (*part).isThere, (*part).holds) {
		was, ok := p.release()
		if !ok {
			continue
		}
		if between := was.Minor - want.Minor; max(between, -between) > 1 {
			next := was.Minor - between/max(between, -between)
			errs = append(errs, &Refusal{
				Server: p.name,
				Reason: fmt.Sprintf("it is an etcd %s, and %s does not follow on its data: no release in between can be left out", was, want),
				Remedy: Remedy{Command: []string{"up", "--etcd", fmt.Sprintf("3.%d", next)}, Text: "first"},
			})
		}
		if p.server.Status != runtime.Absent && was.Minor > want.Minor && !c.Have.Runs() && !c.ended(p.name) && !c.allFail() {
			errs = append(errs, &Refusal{
				Server: p.name,
				Reason: fmt.Sprintf("its data is of etcd %s, and %s can only follow on it while the members run", was, want),
				Remedy: Remedy{Command: []string{"start"}, Text: "first"},
			})
		}
	}
	return errors.Join(append(errs, c.refuseV2())...)
}

// refuseV2: what was written by the API v2 comes to members of later releases with the data
// that they go on with, or by the log that they join.
func (c *scene) refuseV2() error {
	var errs []error
	for _, p := range c.those((*part).isThere, (*part).holds) {
		was, ok := p.release()
		serves := p.server.Settings.Get("enable-v2") == "true"
		if !ok || was.Minor > 5 || c.Want.Etcd.Minor < 6 || !serves && !p.server.HoldsV2 || p.wanted && !p.differs() {
			continue
		}
		reason := "it serves the API v2 (enable-v2), and etcd 3.6 does not start on what was written by it"
		if !serves {
			reason = "its data holds what was written by the API v2, and etcd 3.6 does not start on that"
		}
		errs = append(errs, &Refusal{Server: p.name, Reason: reason, Remedy: Remedy{Text: cluster.WithoutV2 + "; or stay with `--etcd 3.5`"}})
	}
	return errors.Join(errs...)
}

// refuseAlarms: a cluster that needs attention is not given another release.
func (c *scene) refuseAlarms() error {
	for _, a := range c.view.Alarms() {
		return &Refusal{
			Server: c.view.NameOf(a.Member),
			Reason: fmt.Sprintf("it has raised the alarm %s: no other release before that is cured", a.Kind),
			Remedy: Remedy{Command: []string{"doctor"}, Text: "says how"},
		}
	}
	return nil
}

// release of a server: what it says itself, else what it is said to be.
func (p *part) release() (cluster.Version, bool) {
	text := p.server.Release
	if p.end.Answers() && p.end.Version != "" {
		text = p.end.Version
	}
	v, err := cluster.ReadVersion(text)
	return v, err == nil
}

// leavesRelease tells whether a member that does not serve would go over to
// another minor than the others run. One that this run has stopped is on its
// way there.
func (c *scene) leavesRelease(p *part) bool {
	if c.Want == nil || c.ended(p.name) {
		return false
	}
	_, known := c.clusterMinor()
	now, _ := c.runs()
	was, ok := p.release()
	switch {
	case known && now.Minor == c.Want.Etcd.Minor, c.allFail():
		return false
	case !ok:
		return known
	}
	return was.Minor != c.Want.Etcd.Minor
}

// runningMinors are the lowest and the highest minor of the members that serve.
func (c *scene) runningMinors() (low, high int, ok bool) {
	for _, p := range c.those((*part).isVoter, (*part).serves) {
		minor, known := minorOf(p.end.Version)
		if !known {
			return 0, 0, false
		}
		if !ok || minor < low {
			low = minor
		}
		if !ok || minor > high {
			high = minor
		}
		ok = true
	}
	return low, high, ok
}

// clusterMinor is what all members agreed on.
func (c *scene) clusterMinor() (minor int, ok bool) {
	for _, p := range c.those((*part).isVoter, (*part).serves) {
		m, known := minorOf(p.end.ClusterVersion)
		if !known || ok && m != minor {
			return 0, false
		}
		minor, ok = m, true
	}
	return minor, ok
}

// undecided tells that no release was agreed on yet. A leader that does not reach all
// members when it is elected, as the first of them does where the last is still being
// started, puts that down as 3.0, and looks again after 4 s (etcd, server/etcdserver,
// monitorClusterVersions).
func (c *scene) undecided() bool {
	return !slices.ContainsFunc(c.those((*part).isVoter, (*part).serves), func(p *part) bool {
		minor, known := minorOf(p.end.ClusterVersion)
		return known && minor > 0
	})
}

// loweringTo is the minor that a downgrade was enabled to; -1 for none.
func (c *scene) loweringTo() int {
	for _, p := range c.those((*part).isVoter) {
		if minor, ok := minorOf(p.end.DowngradeTarget); ok {
			return minor
		}
	}
	return -1
}

// stored tells whether all members' data is of a minor; etcd 3.5 does not tell.
func (c *scene) stored(minor int) bool {
	for _, p := range c.those((*part).isVoter) {
		if m, ok := minorOf(p.end.StorageVersion); (!ok || m != minor) && !tellsNoStorage(p.end.Version) {
			return false
		}
	}
	return true
}

func tellsNoStorage(version string) bool {
	minor, ok := minorOf(version)
	return ok && minor < 6
}

// minorOf reads the minor off a version of etcd 3 such as "3.6.16".
func minorOf(version string) (int, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(version, "v"), "3.")
	if !ok {
		return 0, false
	}
	text, _, _ := strings.Cut(rest, ".")
	minor, err := strconv.Atoi(text)
	return minor, err == nil
}

func minorVersion(minor int) string { return fmt.Sprintf("3.%d.0", minor) }
