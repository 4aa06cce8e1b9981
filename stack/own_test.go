package stack

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"
)

// data are the names that the stacks of these tests have.
var data = Names{Volumes: []string{"etcd1-data", "etcd2-data", "etcd3-data"}, Networks: []string{"cluster"}}

// beside is three with an application beside it.
var beside = strings.NewReplacer(
	"\nnetworks: {", "\n  app: {image: app, networks: [cluster, default], volumes: [\"appdata:/data\"]}\nnetworks: {default: , ",
	"volumes: {", "volumes: {appdata: , ",
).Replace(three)

// What the application holds, and where it is on the stack's network.
var (
	application = []string{"container p-app-1", "volume p_appdata", "network p_default"}
	appIsOn     = []Left{{Network: "p_cluster", Users: []string{"p-app-1"}}}
)

// foreign is an application with the names of a stack.
var foreign = strings.ReplaceAll(three, "labels: {io.etcdctr.role: member}", "labels: {}")

// removing is what is removed of a stack, and what stays.
type removing struct {
	file    string
	own     bool // as it is marked when it is made
	named   Names
	volumes bool
	plan    string
	others  []string
	left    []Left
	err     string
}

func TestRemoveTakesWhatIsTheStacksOwn(t *testing.T) {
	for what, test := range map[string]removing{
		"an application beside it": {file: beside, named: data, plan: `
 1  stop p-etcd1-1
 2  remove container p-etcd1-1, after 1
 3  stop p-etcd2-1
 4  remove container p-etcd2-1, after 3
 5  stop p-etcd3-1
 6  remove container p-etcd3-1, after 5
`, others: application, left: appIsOn},
		"its data as well": {file: beside, named: data, volumes: true, plan: `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove volume p_etcd1-data, after 1, 2, 3
 5  remove volume p_etcd2-data, after 1, 2, 3
 6  remove volume p_etcd3-data, after 1, 2, 3
`, others: application, left: appIsOn},
		"volumes that a description does not name": {file: three, named: Names{Volumes: []string{"etcd1-data"}, Networks: data.Networks}, volumes: true, plan: `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove network p_cluster, after 1, 2, 3
 5  remove volume p_etcd1-data, after 1, 2, 3
`, others: []string{"volume p_etcd2-data", "volume p_etcd3-data"}},
		"volumes that were marked": {file: three, own: true, volumes: true, plan: `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove network p_cluster, after 1, 2, 3
 5  remove volume p_etcd1-data, after 1, 2, 3
 6  remove volume p_etcd2-data, after 1, 2, 3
 7  remove volume p_etcd3-data, after 1, 2, 3
`},
		"another project with the names of a stack": {
			file: foreign, named: data, volumes: true,
			err: "p is a Compose project that is not etcdctr's: nothing is done to container p-etcd1-1, container p-etcd2-1, container p-etcd3-1, " +
				"volume p_etcd1-data, volume p_etcd2-data, volume p_etcd3-data, network p_cluster",
		},
		"data that something else uses": {
			file: strings.Replace(beside, `"appdata:/data"`, `"etcd2-data:/data"`, 1), named: data, volumes: true,
			err: "p-app-1 uses the volume p_etcd2-data and is not of the stack: remove that container first",
		},
		"data that something else uses stays": {
			file: strings.Replace(beside, `"appdata:/data"`, `"etcd2-data:/data"`, 1), named: data, plan: `
 1  stop p-etcd1-1
 2  remove container p-etcd1-1, after 1
 3  stop p-etcd2-1
 4  remove container p-etcd2-1, after 3
 5  stop p-etcd3-1
 6  remove container p-etcd3-1, after 5
`, others: application, left: appIsOn,
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, test.run)
		})
	}
}

// What somebody else has started by the names of a stack, such as an etcd of a Compose file of
// their own, is not made anew as the stack's.
func TestContainersOfAnotherProjectOfTheNameAreNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		if err := apply(t.Context(), e, wanted(t, foreign)); err != nil {
			t.Fatal(err)
		}
		err := apply(t.Context(), e, wanted(t, three))
		taken := (*TakenError)(nil)
		if !errors.As(err, &taken) || taken.Name != "p-etcd1-1" {
			t.Errorf("got %v", err)
		}
	})
}

func (test removing) run(t *testing.T) {
	e := newFakeEngine()
	w := wanted(t, test.file)
	w.Own = test.own
	if err := apply(t.Context(), e, w); err != nil {
		t.Fatal(err)
	}
	b, p, err := planRemoval(t, e, test.named, test.volumes)
	if test.err != "" {
		if err == nil || err.Error() != test.err {
			t.Fatalf("the error is %v, want %s", err, test.err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range p.Ops {
		o.object = "" // an ID that differs from run to run
	}
	wantPlan(t, p, test.plan)
	if diff := cmp.Diff(test.others, b.Others); diff != "" {
		t.Errorf("others (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(test.left, p.Left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// planRemoval plans as runtime/docker does, which refuses a foreign project before.
func planRemoval(t *testing.T, e *fakeEngine, named Names, volumes bool) (*Belongings, *Plan, error) {
	t.Helper()
	b, err := Divide(t.Context(), e, observe(t, e), named)
	if err == nil {
		err = b.Foreign()
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := PlanRemove(t.Context(), e, b, Removal{Data: volumes}, Container.Member)
	return b, p, err
}

func takeAway(t *testing.T, e *fakeEngine, named Names, volumes bool) error {
	t.Helper()
	_, p, err := planRemoval(t, e, named, volumes)
	if err != nil {
		return err
	}
	return run(t.Context(), e, p)
}

// Members may go one by one, each with its data or without; what all shared goes
// with the last of them.
func TestRemoveTakesOneAfterTheOther(t *testing.T) {
	e := running(t, three)
	volumes := func(service string) []string { return []string{service + "-data"} }
	for i, c := range []struct {
		name                          string
		data                          bool
		containers, networks, volumes int
	}{{"etcd1", false, 2, 1, 3}, {"etcd2", true, 1, 1, 2}, {"etcd1", true, 1, 1, 1}, {"etcd3", false, 0, 0, 1}} {
		b, err := Divide(t.Context(), e, observe(t, e), data)
		if err != nil {
			t.Fatal(err)
		}
		p, err := PlanRemove(t.Context(), e, b, Removal{Services: []string{c.name}, Data: c.data, Volumes: volumes}, Container.Member)
		if err != nil {
			t.Fatal(err)
		}
		if err := run(t.Context(), e, p); err != nil {
			t.Fatal(err)
		}
		if len(e.containers) != c.containers || len(e.networks) != c.networks || len(e.volumes) != c.volumes {
			t.Errorf("%d: %d containers, %d networks and %d volumes are left", i+1, len(e.containers), len(e.networks), len(e.volumes))
		}
	}
}

// What is left once the containers are gone is known by its names alone.
func TestDataOfAStackThatIsDownIsFoundByItsNames(t *testing.T) {
	e := running(t, three)
	for _, volumes := range []bool{false, true} {
		if err := takeAway(t, e, data, volumes); err != nil {
			t.Fatal(err)
		}
	}
	if !e.empty() {
		t.Errorf("left are the volumes %v", e.volumes)
	}
}

// What is taken back of a start that has failed is what the start has made: the volumes of
// their names that were there before hold what somebody else has left.
func TestWhatWasNotMadeForTheStackIsNotTakenBack(t *testing.T) {
	e := newFakeEngine()
	left := "p_etcd1-data"
	create := client.VolumeCreateOptions{Name: left, Labels: map[string]string{projectLabel: "p", volumeLabel: "etcd1-data"}}
	if _, err := e.VolumeCreate(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	w := wanted(t, three)
	w.Own = true
	if err := apply(t.Context(), e, w); err != nil {
		t.Fatal(err)
	}
	b, err := Divide(t.Context(), e, observe(t, e), data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanRemove(t.Context(), e, b, Removal{Data: true, Made: true}, Container.Member)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), e, p); err != nil {
		t.Fatal(err)
	}
	if len(e.containers) > 0 || len(e.volumes) != 1 || e.volumes[left].Name != left {
		t.Errorf("left are %d containers and the volumes %v, want %s alone", len(e.containers), e.volumes, left)
	}
}

func TestAnotherProjectsContainersAreNotTheStacks(t *testing.T) {
	err := DivideContainers(observe(t, running(t, foreign))).Foreign()
	if f := (*ForeignError)(nil); !errors.As(err, &f) || len(f.Holds) != 3 || len(f.Images) != 3 {
		t.Errorf("Foreign gave %v, want an error about 3 containers", err)
	}
}

func TestAVolumeThatIsTheProjectsAndProtectedIsOne(t *testing.T) {
	e := running(t, three)
	v := e.volumes["p_etcd1-data"]
	v.Labels[protectedLabel] = "p"
	e.volumes["p_etcd1-data"] = v
	if s := observe(t, e); len(s.Volumes) != 3 {
		t.Errorf("there are %d volumes, want 3", len(s.Volumes))
	}
}

// Another Compose file of the project may call what it has as the stack does. Nobody of the
// stack uses that, and it has a name of its own.
var others = []string{"volume precious", "network reports"}

func foreigners(t *testing.T, e *fakeEngine) {
	t.Helper()
	labels := func(kind, key string) map[string]string { return map[string]string{projectLabel: "p", kind: key} }
	_, network := e.NetworkCreate(t.Context(), "reports", client.NetworkCreateOptions{Labels: labels(networkLabel, "cluster")})
	_, volume := e.VolumeCreate(t.Context(), client.VolumeCreateOptions{Name: "precious", Labels: labels(volumeLabel, "etcd1-data")})
	if err := errors.Join(network, volume); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAnotherFileCallsAsTheStackDoesIsLeftAlone(t *testing.T) {
	e := running(t, three)
	foreigners(t, e)
	b, p, err := planRemoval(t, e, data, true)
	if err = errors.Join(err, run(t.Context(), e, p)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Others, others) {
		t.Errorf("others are %v, want %v", b.Others, others)
	}
	if len(e.containers) > 0 || len(e.networks) != 1 || len(e.volumes) != 1 {
		t.Errorf("left are %d containers, %d networks and the volumes %v, want what is not the stack's", len(e.containers), len(e.networks), e.volumes)
	}
}

func TestWhatAnotherFileCallsAsAStackWouldIsNoStack(t *testing.T) {
	e := newFakeEngine()
	foreigners(t, e)
	_, _, err := planRemoval(t, e, data, true)
	var refused *ForeignError
	if !errors.As(err, &refused) || !slices.Equal(refused.Holds, others) {
		t.Errorf("the error is %v, want one about %v", err, others)
	}
}
