package adopt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// networkEngine has containers on networks, by their IDs.
type networkEngine struct {
	imageEngine
	containers map[string]*container.InspectResponse
}

func (e networkEngine) ContainerList(_ context.Context, o client.ContainerListOptions) (client.ContainerListResult, error) {
	var r client.ContainerListResult
	for id, in := range e.containers {
		for name := range in.NetworkSettings.Networks {
			if o.Filters["network"][name] {
				r.Items = append(r.Items, container.Summary{ID: id})
			}
		}
	}
	return r, nil
}

func (e networkEngine) ContainerInspect(_ context.Context, id string, _ client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	in, ok := e.containers[id]
	if !ok {
		return client.ContainerInspectResult{}, errdefs.ErrNotFound
	}
	return client.ContainerInspectResult{Container: *in}, nil
}

func (e networkEngine) NetworkConnect(_ context.Context, name string, o client.NetworkConnectOptions) (client.NetworkConnectResult, error) {
	e.containers[o.Container].NetworkSettings.Networks[name] = o.EndpointConfig
	return client.NetworkConnectResult{}, nil
}

func (e networkEngine) NetworkDisconnect(_ context.Context, name string, o client.NetworkDisconnectOptions) (client.NetworkDisconnectResult, error) {
	delete(e.containers[o.Container].NetworkSettings.Networks, name)
	return client.NetworkDisconnectResult{}, nil
}

// add has a container of a service on networks.
func (e networkEngine) add(service string, networks ...string) {
	in := kv()
	in.ID, in.Name = service, "/shop-"+service+"-1"
	in.Config.Cmd[1] = "--name=" + service
	in.Config.Labels = map[string]string{projectLabel: "shop", serviceLabel: service, filesLabel: "/srv/compose.yml"}
	for _, name := range networks {
		in.NetworkSettings.Networks[name] = &network.EndpointSettings{}
	}
	e.containers[service] = in
}

func (e networkEngine) on(id string) []string {
	n := []string{}
	for name := range e.containers[id].NetworkSettings.Networks {
		n = append(n, name)
	}
	slices.Sort(n)
	return n
}

func TestNeighborsAreBroughtToTheClusterAndTakenBack(t *testing.T) {
	e := networkEngine{containers: map[string]*container.InspectResponse{}}
	e.add("etcd1", "shop_default", "bridge")
	e.add("web", "shop_default", "front")
	e.add("there", "shop_default", "ours_cluster") // whoever has put it there leaves it there
	e.add("stranger", "bridge", "front")
	c := &Containers{Engine: e, Names: []string{"etcd1"}}
	s, err := c.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, n := range s.Neighbors {
		found = append(found, n.Container+" "+strings.Join(n.Networks, ","))
	}
	if diff := cmp.Diff([]string{"shop-there-1 ours_cluster,shop_default", "shop-web-1 front,shop_default"}, found); diff != "" {
		t.Fatal(diff)
	}
	for range 2 { // again after it was killed
		if err := errors.Join(c.Bring(t.Context(), "ours", s.Neighbors), c.Meet(t.Context(), "ours", s.Members)); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"etcd1": "bridge ours_cluster shop_default", "web": "front ours_cluster shop_default", "stranger": "bridge front"} {
		if got := strings.Join(e.on(id), " "); got != want {
			t.Errorf("%s is on %s, want %s", id, got, want)
		}
	}
	again, err := c.Look(t.Context())
	if diff := cmp.Diff(s.Neighbors, again.Neighbors, cmp.AllowUnexported(Neighbor{})); diff != "" || err != nil {
		t.Errorf("on the cluster's network they are others: %v\n%s", err, diff)
	}
	if err := c.Part(t.Context(), "ours"); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"etcd1": "bridge shop_default", "web": "front shop_default", "there": "ours_cluster shop_default"} {
		if got := strings.Join(e.on(id), " "); got != want {
			t.Errorf("after it was taken back %s is on %s, want %s", id, got, want)
		}
	}
	delete(e.containers, "web") // meanwhile
	if err := c.Bring(t.Context(), "ours", s.Neighbors); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

func TestWhatKeepsANeighborOnTheNetworkIsSaid(t *testing.T) {
	composed := Neighbor{Container: "shop-web-1", Project: "shop", Service: "web", Files: []string{"/srv/compose.yml"}, Networks: []string{"front", "shop_default"}}
	const want = "write into /srv/compose.yml, under services: web: {networks: [front, default, etcdctr]}; and under networks: etcdctr: {name: ours_cluster, external: true}"
	if got := composed.Keeps("ours_cluster"); got != want {
		t.Errorf("it says %s", got)
	}
	if got := (Neighbor{Container: "web"}).Keeps("ours_cluster"); !strings.Contains(got, "--network ours_cluster") {
		t.Errorf("it says %s", got)
	}
}

func TestANeighborIsToldANetworkThatItsFileDoesNotHave(t *testing.T) {
	const theirs = "services: {web: {networks: [etcd]}}\nnetworks: {etcd: {}, etcdctr: {name: front}, etcdctr2: }\n"
	file := filepath.Join(t.TempDir(), "compose.yml")
	if err := os.WriteFile(file, []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	e := networkEngine{containers: map[string]*container.InspectResponse{}}
	e.add("etcd1", "shop_etcd")
	e.add("web", "shop_etcd")
	e.containers["web"].Config.Labels[filesLabel] = file + ",/gone/compose.override.yml"
	s, err := (&Containers{Engine: e, Names: []string{"etcd1"}}).Look(t.Context())
	if err != nil || len(s.Neighbors) != 1 {
		t.Fatal(err, s)
	}
	const want = "services: web: {networks: [etcd, etcdctr3]}; and under networks: etcdctr3: {name: ours_cluster, external: true}"
	if got := s.Neighbors[0].Keeps("ours_cluster"); !strings.HasSuffix(got, want) {
		t.Errorf("it says %s", got)
	}
}

func TestURLsAreToldAtWhichNobodyAnswersThen(t *testing.T) {
	m := of("etcd1", runtime.Running, open("etcd1")...)
	m.Clients = "http://etcd1:2379,http://localhost:2379"
	for _, c := range []struct {
		tls, member string
		moved       []string
	}{{"none", "etcd1", nil}, {"mutual", "etcd1", []string{"http://etcd1:2379"}}, {"none", "member1", []string{"http://etcd1:2379"}}} {
		spec := cluster.Spec{Name: "ours", TLS: c.tls, Members: cluster.Members{List: []cluster.MemberSpec{{Name: c.member}}}}
		want, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		if got := shop(m).Moved(want); !slices.Equal(got, c.moved) {
			t.Errorf("with tls: %s at %s: %v, want %v", c.tls, c.member, got, c.moved)
		}
	}
}

func (f *fakeForeign) Bring(_ context.Context, _ string, neighbors []Neighbor) error {
	for _, n := range neighbors {
		f.done = append(f.done, "bring "+n.Container)
	}
	return nil
}

func (f *fakeForeign) Part(context.Context, string) error {
	f.done = append(f.done, "part")
	return nil
}

func (f fakeOurs) Prepare(context.Context, *cluster.Cluster, ...string) error { return nil }

func (f fakeOurs) Remove(context.Context, string, runtime.Removal) error { return nil }

// Nobody is moved before who uses the members finds those that take their place, and what
// is given up after it was killed leaves nobody on a network that goes.
func TestNeighborsComeBeforeAnyMemberGoesAndLeaveWithTheLastOfOurs(t *testing.T) {
	s := shop(of("etcd1", runtime.Running, open("etcd1")...))
	s.Neighbors = []Neighbor{{Container: "web"}}
	foreign := &fakeForeign{stack: s}
	ours := fakeOurs{servers: []runtime.Server{{Name: "a", Status: runtime.Created, Data: runtime.None}, {Name: "b", Status: runtime.Created, Data: runtime.None}}}
	r := &Runtime{Runtime: ours, Foreign: foreign}
	want, err := cluster.Resolve(cluster.Spec{Name: "ours", Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Prepare(t.Context(), want)
	for _, servers := range [][]string{{"a"}, {"a", "b"}, nil} {
		err = errors.Join(err, r.Remove(t.Context(), "ours", runtime.Removal{Servers: servers}))
	}
	if diff := cmp.Diff([]string{"bring web", "part", "part"}, foreign.done); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
