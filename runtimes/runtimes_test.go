package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// open opens the runtimes of a machine whose engine is away.
func open(t *testing.T, o Options) *Runtimes {
	t.Helper()
	t.Setenv("DOCKER_HOST", "unix://"+t.TempDir()+"/no-engine.sock")
	o.Folder, o.CacheDir = t.TempDir(), t.TempDir()
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func members(m cluster.MemberSpec) cluster.Members {
	m.Name = "etcd1"
	return cluster.Members{List: []cluster.MemberSpec{m}}
}

func TestRuntimesAreThoseThatASpecIsFor(t *testing.T) {
	onEngines := members(cluster.MemberSpec{Engine: "ssh://one.example"})
	onHosts := members(cluster.MemberSpec{Host: "192.0.2.1"})
	for what, c := range map[string]struct {
		options Options
		want    []string
	}{
		"any cluster":                 {Options{}, []string{"docker", "swarm", "process"}},
		"a Compose file":              {Options{File: &docker.File{}}, []string{"docker", "process"}},
		"machines with engines":       {Options{Spec: cluster.Spec{Members: onEngines}}, []string{"docker"}},
		"machines":                    {Options{Spec: cluster.Spec{Members: onHosts}}, []string{"hosts"}},
		"members that say otherwise":  {Options{Spec: cluster.Spec{Members: onHosts, Runtime: "process"}}, []string{"docker", "swarm", "process"}},
		"machines, whatever there is": {Options{Spec: cluster.Spec{Members: onHosts, Runtime: "auto"}}, []string{"hosts"}},
	} {
		r := open(t, c.options)
		var names []string
		for _, one := range r.All {
			names = append(names, one.Name())
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%s: %v, want %v", what, names, c.want)
		}
		if engine := len(c.want) > 1; (r.Engine != nil) != engine || (r.Docker() != nil) != engine {
			t.Errorf("%s: an engine was looked for: %t", what, r.Engine != nil)
		}
	}
}

func TestStepsOfMachinesNeedNoEngine(t *testing.T) {
	r := &Runtimes{o: Options{Folder: "/here"}}
	if got, want := r.placeOf(hosts.New(hosts.Options{})), "hosts /here"; got != want {
		t.Errorf("the place is %q, want %q", got, want)
	}
}

// Where no engine answers, what a file says is for an engine elsewhere.
func TestWithoutAnEngineEverythingStaysAsItIsDescribed(t *testing.T) {
	spec := cluster.Spec{Name: "orders", Image: "example.com/etcd:latest", Subnet: "10.89.1.0/24"}
	c, err := cluster.Resolve(cluster.Spec{Name: "orders"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, Options{})
	placed, err := r.Place(t.Context(), spec, c)
	if err != nil || placed != c {
		t.Errorf("it is placed as %v, %v", placed, err)
	}
	there := r.There(t.Context(), c)
	if started, err := there.AsStarted(t.Context(), "."); err != nil || started != c {
		t.Errorf("it was started as %v, %v", started, err)
	}
	if err := errors.Join(there.CheckFree("."), there.CheckHop(), there.CheckMembers()); err != nil || there.Published(".") != nil {
		t.Errorf("it is refused for what nobody sees: %v", err)
	}
	if asked := r.AskImage(t.Context(), spec); asked.ImageToAsk() == "" {
		t.Error("the image's release is known")
	}
}

// A cluster is found among the runtimes with no more said than where it is described.
func TestClustersAreFoundWithNoMoreThanAFolder(t *testing.T) {
	var instead string
	r := open(t, Options{})
	c, err := r.Clusters(etcdctr.Options{Events: func(e etcdctr.Event) { instead = e.Instead }}).Find(t.Context(), cluster.Spec{Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Runtime().Name() != "process" || instead != "process" {
		t.Errorf("%s runs it, and %q was told", c.Runtime().Name(), instead)
	}
	if _, err := c.Observe(t.Context()); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("of what is not there it is said: %v", err)
	}
}

// What is noted of a cluster in its folder is found again by whatever path that is reached.
func TestAFolderIsOnePlaceWhateverLinkLedThere(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	for _, spec := range []cluster.Spec{{Runtime: "process"}, {Members: members(cluster.MemberSpec{Host: "192.0.2.1"})}} {
		r := open(t, Options{Spec: spec})
		if err := errors.Join(os.RemoveAll(link), os.Symlink(r.o.Folder, link)); err != nil {
			t.Fatal(err)
		}
		last := r.All[len(r.All)-1]
		place := r.placeOf(last)
		if r.o.Folder = link; r.placeOf(last) != place {
			t.Errorf("%s is at %q, and by a link at %q", last.Name(), place, r.placeOf(last))
		}
	}
}
