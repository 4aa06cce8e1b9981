package stack

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// data are the names that the stacks of these tests have.
var data = Names{Volumes: []string{"etcd1-data", "etcd2-data", "etcd3-data"}, Networks: []string{"cluster"}}

// beside is three with an application beside it.
var beside = strings.NewReplacer(
	"\nnetworks: {", "\n  app: {image: app, networks: [cluster, default], volumes: [\"appdata:/data\"]}\nnetworks: {default: , ",
	"volumes: {", "volumes: {appdata: , ",
).Replace(three)

// foreign is an application with the names of a stack.
var foreign = strings.ReplaceAll(three, "labels: {io.etcdctr.role: member}", "labels: {}")

func TestDownTakesWhatIsTheStacksOwn(t *testing.T) {
	for what, test := range map[string]struct {
		file    string
		own     bool // as Up marks it
		named   Names
		volumes bool
		plan    string
		notes   []string
		err     string
	}{
		"an application beside it": {file: beside, named: data, plan: `
 1  wait for a lull in the health checks of p-etcd2-1
 2  wait for the loss of the peers of p-etcd2-1, after 1
 3  stop p-etcd1-1, after 1
 4  stop p-etcd3-1, after 1
 5  stop p-etcd2-1, after 2: it leads
 6  remove container p-etcd1-1, after 3
 7  remove container p-etcd2-1, after 5
 8  remove container p-etcd3-1, after 4
`, notes: []string{
			"left alone, as not of the stack: container p-app-1, volume p_appdata, network p_default",
			"the network p_cluster is left: p-app-1 is on it",
		}},
		"its data as well": {file: beside, named: data, volumes: true, plan: `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove volume p_etcd1-data, after 1, 2, 3
 5  remove volume p_etcd2-data, after 1, 2, 3
 6  remove volume p_etcd3-data, after 1, 2, 3
`, notes: []string{
			"left alone, as not of the stack: container p-app-1, volume p_appdata, network p_default",
			"the network p_cluster is left: p-app-1 is on it",
		}},
		"volumes that a description does not name": {file: three, named: Names{Volumes: []string{"etcd1-data"}, Networks: data.Networks}, volumes: true, plan: `
 1  remove container p-etcd1-1
 2  remove container p-etcd2-1
 3  remove container p-etcd3-1
 4  remove network p_cluster, after 1, 2, 3
 5  remove volume p_etcd1-data, after 1, 2, 3
`, notes: []string{"left alone, as not of the stack: volume p_etcd2-data, volume p_etcd3-data"}},
		"volumes that up has marked": {file: three, own: true, volumes: true, plan: `
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
 1  wait for a lull in the health checks of p-etcd2-1
 2  wait for the loss of the peers of p-etcd2-1, after 1
 3  stop p-etcd1-1, after 1
 4  stop p-etcd3-1, after 1
 5  stop p-etcd2-1, after 2: it leads
 6  remove container p-etcd1-1, after 3
 7  remove container p-etcd2-1, after 5
 8  remove container p-etcd3-1, after 4
`, notes: []string{
				"left alone, as not of the stack: container p-app-1, volume p_appdata, network p_default",
				"the network p_cluster is left: p-app-1 is on it",
			},
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := &Driver{Engine: newFakeEngine(), Prober: fakeProber{leader: "etcd2"}, WaitTimeout: time.Second}
			w := wanted(t, test.file)
			w.Own = test.own
			if _, err := d.Up(t.Context(), w, false); err != nil {
				t.Fatal(err)
			}
			p, err := d.PlanDown(t.Context(), observe(t, d), test.named, test.volumes)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("PlanDown gave %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, p, test.plan)
			if diff := cmp.Diff(test.notes, p.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// What is left once the containers are gone is known by its names alone.
func TestDataOfAStackThatIsDownIsFoundByItsNames(t *testing.T) {
	d, e := started(t)
	for _, volumes := range []bool{false, true} {
		p, err := d.PlanDown(t.Context(), observe(t, d), data, volumes)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Run(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if !e.empty() {
		t.Errorf("left are the volumes %v", e.volumes)
	}
}

func TestAnotherProjectsContainersAreNotTheStacks(t *testing.T) {
	d := &Driver{Engine: newFakeEngine(), Prober: fakeProber{}, WaitTimeout: time.Second}
	if _, err := d.Up(t.Context(), wanted(t, foreign), false); err != nil {
		t.Fatal(err)
	}
	b := DivideContainers(observe(t, d))
	err := b.Foreign()
	if f := (*ForeignError)(nil); !errors.As(err, &f) || len(f.Holds) != 3 {
		t.Errorf("Foreign gave %v, want an error about 3 containers", err)
	}
}
