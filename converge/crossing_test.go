package converge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// ofTLS is a cluster of three members.
func ofTLS(t *testing.T, mode cluster.TLSMode) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Resolve(cluster.Spec{Members: cluster.Count(3), TLS: string(mode)}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running is the situation of a cluster that runs as it is, of which etcd counts
// the peers at URLs of these schemes.
func running(is *cluster.Cluster, schemes ...string) converge.Situation {
	s := converge.Situation{Have: &runtime.State{Name: is.Name}, Etcd: new(member.View)}
	for i, m := range is.Members {
		id := member.ID(i + 1)
		s.Have.Servers = append(s.Have.Servers, runtime.Server{
			Name: m.Name, Role: runtime.Member, Status: runtime.Running, Settings: m.Settings, Data: runtime.Kept, Release: is.Etcd.String(),
		})
		var urls []string
		for _, scheme := range schemes {
			urls = append(urls, scheme+"://"+m.Name+":2380")
		}
		s.Etcd.Members = append(s.Etcd.Members, member.Member{ID: id, Name: m.Name, PeerURLs: urls, ClientURLs: []string{m.ClientURL()}})
		s.Etcd.Endpoints = append(s.Etcd.Endpoints, member.Endpoint{
			Name: m.Name, URL: m.ClientURL(), Cluster: 1, ID: id, Leader: 1, Version: strings.TrimPrefix(is.Etcd.String(), "v"),
			ClusterVersion: minors[int8(is.Etcd.Minor)], StorageVersion: minors[int8(is.Etcd.Minor)],
		})
	}
	return s
}

func TestMembersGoOverToTLSAndBackWhileTheyServe(t *testing.T) {
	plain, secure := ofTLS(t, cluster.NoTLS), ofTLS(t, cluster.Mutual)
	bridge := secure.Bridged()
	differ := func(is *cluster.Cluster) []runtime.Change {
		var changes []runtime.Change
		for _, m := range is.Members {
			changes = append(changes, runtime.Change{Server: m.Name, Kind: runtime.Replace, Differences: []runtime.Difference{{Name: "listen-client-urls", Was: "these", Is: "those"}}})
		}
		return changes
	}
	for name, c := range map[string]struct {
		from    converge.Situation
		want    []*cluster.Cluster // in this order
		clients converge.Clients
		plan    string
	}{
		"to both": {running(plain, "http"), []*cluster.Cluster{bridge}, converge.Both, `
 1. prepare etcd1, etcd2, etcd3 NEWEST: before anything is touched
 2. update peer URLs etcd1: the others reach it with and without TLS
 3. update peer URLs etcd2: the others reach it with and without TLS
 4. update peer URLs etcd3: the others reach it with and without TLS
 5. stop etcd2: listen-client-urls: these → those (clients go to another member)
 6. apply etcd2: listen-client-urls: these → those
 7. wait until it serves etcd2: nothing else is touched before it serves
 8. stop etcd3: listen-client-urls: these → those (clients go to another member)
 9. apply etcd3: listen-client-urls: these → those
10. wait until it serves etcd3: nothing else is touched before it serves
11. move leader from etcd1 to etcd2: before it stops (requests wait for about 250ms)
12. stop etcd1: listen-client-urls: these → those (clients go to another member)
13. apply etcd1: listen-client-urls: these → those
14. wait until it serves etcd1: nothing else is touched before it serves`},
		"clients have moved": {running(bridge, "https", "http"), []*cluster.Cluster{secure}, converge.Moved, `
 1. prepare etcd1, etcd2, etcd3 NEWEST: before anything is touched
 2. stop etcd2: listen-client-urls: these → those (clients go to another member)
 3. apply etcd2: listen-client-urls: these → those
 4. wait until it serves etcd2: nothing else is touched before it serves
 5. update peer URLs etcd2: the others reach it elsewhere
 6. stop etcd3: listen-client-urls: these → those (clients go to another member)
 7. apply etcd3: listen-client-urls: these → those
 8. wait until it serves etcd3: nothing else is touched before it serves
 9. update peer URLs etcd3: the others reach it elsewhere
10. move leader from etcd1 to etcd2: before it stops (requests wait for about 250ms)
11. stop etcd1: listen-client-urls: these → those (clients go to another member)
12. apply etcd1: listen-client-urls: these → those
13. wait until it serves etcd1: nothing else is touched before it serves
14. update peer URLs etcd1: the others reach it elsewhere`},
		"nobody has said how far clients are": {running(plain, "http"), []*cluster.Cluster{secure}, "", `
refused: clients that come with --tls none would be cut off by going over to mutual`},
		"nor on the way": {running(bridge, "https", "http"), []*cluster.Cluster{secure}, "", `
refused: the members answer clients with and without TLS, and clients that have not moved to --tls mutual would be cut off by ending that`},
		"nor on the way back": {running(bridge, "https", "http"), []*cluster.Cluster{plain}, "", `
refused: the members answer clients with and without TLS, and clients that have not moved to --tls none would be cut off by ending that`},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.from
			s.Want, s.Then, s.Changes = c.want[0], c.want[1:], differ(c.want[0])
			s.Asked = converge.Asked{Verb: converge.Up, Clients: c.clients, Weaken: []string{"client-cert-auth"}}
			steps, err := converge.Plan(s)
			got := strings.ReplaceAll(strings.TrimRight("\n"+steps.String(), "\n"), cluster.DefaultVersion.String()[1:], "NEWEST")
			if err != nil {
				got += "\nrefused: " + err.Error()
			}
			if diff := cmp.Diff(c.plan, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
	all := running(plain, "http")
	all.Want, all.Then, all.Changes, all.Asked = bridge, []*cluster.Cluster{secure}, differ(bridge), converge.Asked{Verb: converge.Up, Clients: converge.Moved}
	steps, err := converge.Plan(all)
	last := steps[len(steps)-1]
	if err != nil || len(steps) != 27 || last.Kind != converge.UpdatePeers {
		t.Errorf("all at once is\n%s%v", steps, err)
	}
}
