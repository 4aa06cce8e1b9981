package cluster_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestAMemberThatWasStartedKeepsWhatItWasFoundedBy(t *testing.T) {
	three, five := resolve(t, cluster.Spec{Members: cluster.Count(3)}), resolve(t, cluster.Spec{Members: cluster.Count(5), LogLevel: "warn"})
	started := map[string]cluster.Settings{}
	for _, m := range three.Members {
		started[m.Name] = m.Settings
	}
	as := five.AsStarted(started)
	for i, was := range three.Members {
		is := as.Members[i]
		if got, want := is.Settings.Get("initial-cluster"), was.Settings.Get("initial-cluster"); got != want {
			t.Errorf("%s: initial-cluster is %q, want that of its start, %q", is.Name, got, want)
		}
		if got := is.Settings.Get("log-level"); got != "warn" {
			t.Errorf("%s: log-level is %q, want the new one", is.Name, got)
		}
	}
	if got, want := as.Members[4].Settings.Get("initial-cluster"), five.Members[4].Settings.Get("initial-cluster"); got != want {
		t.Errorf("the new member's initial-cluster is %q, want %q", got, want)
	}
	if diff := cmp.Diff(five.Members[0].Settings.Get("initial-cluster"), resolve(t, cluster.Spec{Members: cluster.Count(5)}).Members[0].Settings.Get("initial-cluster")); diff != "" {
		t.Errorf("the cluster that was asked was changed: %s", diff)
	}
}

func TestNothingIsLeftOfAnotherWayToBeFounded(t *testing.T) {
	static := resolve(t, cluster.Spec{}).Members[0]
	found := resolve(t, cluster.Spec{Bootstrap: "dns"})
	as := found.AsStarted(map[string]cluster.Settings{static.Name: static.Settings}).Members[0]
	if as.Settings.Get("discovery-srv") != "" || as.Settings.Get("initial-cluster") == "" {
		t.Errorf("the member is founded in two ways: %v", as.Settings)
	}
}

func TestAMemberJoinsTheMembersOfThatMoment(t *testing.T) {
	for _, spec := range []cluster.Spec{
		{Members: cluster.Count(4)},
		{Members: cluster.Count(4), Bootstrap: "dns"},
		{Members: cluster.Count(4), Bootstrap: "discovery", DiscoveryToken: "3f1c0e9b"},
	} {
		c := resolve(t, spec)
		m := c.Joining("etcd4", []string{"etcd1=https://a:2380", "etcd4=https://b:2380"}).Members[3]
		for name, want := range map[string]string{
			"initial-cluster":       "etcd1=https://a:2380,etcd4=https://b:2380",
			"initial-cluster-state": "existing",
			"discovery-srv":         "",
			"discovery-token":       "",
			"name":                  "etcd4",
		} {
			if got := m.Settings.Get(name); got != want {
				t.Errorf("bootstrap %q: %s is %q, want %q", spec.Bootstrap, name, got, want)
			}
		}
		if got := c.Members[3].Settings.Get("initial-cluster-state"); got == "existing" {
			t.Error("the cluster that was asked was changed")
		}
	}
}

// Nobody has data any more, so what each was started by is of no use: members that were
// started as ones that join would wait for each other.
func TestMembersOfWhichNobodyHasDataAreFoundedAnew(t *testing.T) {
	for _, spec := range []cluster.Spec{{}, {Bootstrap: "dns"}, {LogLevel: "warn"}} {
		c := resolve(t, spec)
		started := waiting(c)
		anew := c.AsStarted(started).Anew()
		for i, m := range anew.AsStarted(started).Members {
			if diff := cmp.Diff(c.Members[i].Settings, m.Settings); diff != "" {
				t.Errorf("bootstrap %q: %s is not founded as described: %s", spec.Bootstrap, m.Name, diff)
			}
		}
		if got := c.AsStarted(started).Members[0].Settings.Get("initial-cluster-state"); got != "existing" {
			t.Errorf("as it was started its state is %q", got)
		}
	}
}

// waiting are the settings of members that wait for the others, as those of a backup do.
func waiting(c *cluster.Cluster) map[string]cluster.Settings {
	var peers []string
	for _, m := range c.Members {
		peers = append(peers, m.Name+"="+m.PeerURL())
	}
	started := map[string]cluster.Settings{}
	for _, m := range c.Members {
		started[m.Name] = c.Joining(m.Name, peers).Members[slices.IndexFunc(c.Members, func(o cluster.Member) bool { return o.Name == m.Name })].Settings
	}
	return started
}

func TestAFileFoundsWhatWaitsForEachOther(t *testing.T) {
	three, four := resolve(t, cluster.Spec{}), resolve(t, cluster.Spec{Members: cluster.Count(4)})
	restored := three.AsStarted(waiting(three))
	for i, m := range restored.Founding().Members {
		if diff := cmp.Diff(three.Members[i].Settings, m.Settings); diff != "" {
			t.Errorf("%s, which came of a backup, does not found: %s", m.Name, diff)
		}
	}
	if got := restored.Members[0].Settings.Get("initial-cluster-state"); got != "existing" {
		t.Errorf("the cluster that was asked was changed: %q", got)
	}
	joined := map[string]cluster.Settings{"etcd4": waiting(four)["etcd4"]}
	for _, m := range three.Members {
		joined[m.Name] = m.Settings
	}
	if got := four.AsStarted(joined).Founding().Members[3].Settings.Get("initial-cluster-state"); got != "existing" {
		t.Errorf("the state of one that has joined is %q: it would found another cluster", got)
	}
}
