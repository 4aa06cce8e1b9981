package etcdctr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// fake is a runtime that has some clusters, or can't be used.
type fake struct {
	runtime.Runtime
	name  string
	has   map[string]*runtime.State
	err   error
	asked *[]string
}

func (f fake) Name() string { return f.name }

func (f fake) Observe(_ context.Context, name string) (*runtime.State, error) {
	if f.asked != nil {
		*f.asked = append(*f.asked, f.name)
	}
	if f.err != nil {
		return nil, f.err
	}
	if s, ok := f.has[name]; ok {
		return s, nil
	}
	return nil, runtime.ErrNotFound
}

func (f fake) List(context.Context) ([]runtime.State, error) {
	var all []runtime.State
	for _, s := range f.has {
		all = append(all, *s)
	}
	return all, f.err
}

func holding(name, wish string) map[string]*runtime.State {
	return map[string]*runtime.State{name: {Name: name, Wish: wish, Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member}}}}
}

func TestAClusterIsFoundWhereItIs(t *testing.T) {
	broken := errors.New("the engine has lost its mind")
	for name, c := range map[string]struct {
		docker, process fake
		spec            cluster.Spec
		want            string // the runtime, or the error
	}{
		"nothing is there yet":                  {want: "docker"},
		"processes are asked for":               {spec: cluster.Spec{Runtime: "process"}, want: "process"},
		"it is made of processes":               {process: fake{has: holding("etcd", "")}, want: "process"},
		"it is on the engine":                   {docker: fake{has: holding("etcd", "")}, want: "docker"},
		"no engine answers":                     {docker: fake{err: runtime.ErrUnavailable}, want: "process"},
		"no engine answers, and it has to":      {docker: fake{err: runtime.ErrUnavailable}, spec: cluster.Spec{Runtime: "docker"}, want: runtime.ErrUnavailable.Error()},
		"the engine fails":                      {docker: fake{err: broken}, want: broken.Error()},
		"the engine fails, and does not matter": {docker: fake{err: broken}, spec: cluster.Spec{Runtime: "process"}, want: "process"},
		"it is of the other kind": {
			process: fake{has: holding("etcd", "")}, spec: cluster.Spec{Runtime: "docker"},
			want: "etcd is on the runtime process, and docker is asked for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.docker.name, c.process.name = "docker", "process"
			found, err := etcdctr.New(etcdctr.Options{Runtimes: []runtime.Runtime{c.docker, c.process}}).Find(t.Context(), c.spec)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = found.Runtime().Name()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatAClusterWasStartedWithIsRecalled(t *testing.T) {
	clusters := etcdctr.New(etcdctr.Options{Runtimes: []runtime.Runtime{
		fake{name: "process", has: holding("etcd", "publish: loopback\nmembers: 5\n")},
	}})
	found, err := clusters.Find(t.Context(), cluster.Spec{Members: cluster.Count(7)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"publish"}, found.Recalled); diff != "" {
		t.Errorf("recalled (-want +got):\n%s", diff)
	}
	if got := found.Spec(); got.Publish != "loopback" || got.Members.Count != 7 {
		t.Errorf("it is wanted as %s", got.Text())
	}
}

// Somebody else has changed a cluster of machines from another one, with the certificates in a
// folder that is there alone.
func TestTheCertificatesOfAnotherFolderAreThoseThatAreThere(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	own := filepath.Join(here, "certs")
	for name, c := range map[string]struct {
		folder, certs string
		own           bool // the folder of here is there
		want          string
	}{
		"started here":                            {here, "/gone", false, "/gone"},
		"started here, and changed elsewhere":     {here, "/gone", true, own},
		"started elsewhere, and the folder there": {there, there, false, there},
		"started elsewhere, and no such folder":   {there, "/gone", false, own},
	} {
		if err := os.RemoveAll(own); err != nil {
			t.Fatal(err)
		}
		if c.own {
			if err := os.Mkdir(own, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		state := &runtime.State{Name: "etcd", Folder: c.folder, Wish: "members: 5\ncerts-dir: " + c.certs + "\n", Servers: []runtime.Server{{Name: "etcd1"}}}
		clusters := etcdctr.New(etcdctr.Options{Folder: here, Runtimes: []runtime.Runtime{fake{name: "docker", has: map[string]*runtime.State{"etcd": state}}}})
		found, err := clusters.Find(t.Context(), cluster.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		if got := found.CertsDir(); got != c.want || found.Spec().Members.Count != 5 {
			t.Errorf("%s: certificates are in %s, of %d members", name, got, found.Spec().Members.Count)
		}
		if noted := strings.Contains(found.Spec().Wish(), "certs-dir"); noted != (c.want == c.certs) {
			t.Errorf("%s: it is wanted as %q", name, found.Spec().Wish())
		}
	}
}

// Whoever has named a cluster once need not do so again in its folder.
func TestTheOneClusterOfAFolderNeedsNoName(t *testing.T) {
	here, elsewhere := t.TempDir(), t.TempDir()
	in := func(folder string, names ...string) map[string]*runtime.State {
		all := map[string]*runtime.State{}
		for _, name := range names {
			all[name] = &runtime.State{Name: name, Folder: folder, Runtime: "process", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member}}}
		}
		return all
	}
	for what, c := range map[string]struct {
		has  map[string]*runtime.State
		spec cluster.Spec
		want string
	}{
		"one is here":                        {in(here, "orders"), cluster.Spec{}, "orders"},
		"another one is named":               {in(here, "orders"), cluster.Spec{Name: "stock"}, "stock"},
		"there are two":                      {in(here, "orders", "stock"), cluster.Spec{}, "etcd"},
		"it was started elsewhere":           {in(elsewhere, "orders"), cluster.Spec{}, "etcd"},
		"it is of the other kind":            {in(here, "orders"), cluster.Spec{Runtime: "docker"}, "etcd"},
		"the one without a name is there":    {in(here, "etcd", "orders"), cluster.Spec{}, "etcd"},
		"what it is run by is named as well": {in(here, "orders"), cluster.Spec{Runtime: "process"}, "orders"},
	} {
		clusters := etcdctr.New(etcdctr.Options{Folder: here, Runtimes: []runtime.Runtime{fake{name: "docker"}, fake{name: "process", has: c.has}}})
		found, err := clusters.Find(t.Context(), c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := found.Spec().ClusterName(); got != c.want {
			t.Errorf("%s: found is %s, want %s", what, got, c.want)
		}
	}
}

// Who may not talk to an engine works on what is run by something else.
func TestWhatRunsHereNeedsNoEngine(t *testing.T) {
	here, broken := t.TempDir(), errors.New("this user may not talk to it")
	has := holding("orders", "")
	has["orders"].Folder, has["orders"].Runtime = here, "process"
	for what, c := range map[string]struct {
		runtimes []runtime.Runtime
		spec     cluster.Spec
		want     string // its name, or the error
	}{
		"it is the one of the folder":   {[]runtime.Runtime{fake{name: "docker", err: broken}, fake{name: "process", has: has}}, cluster.Spec{}, "orders"},
		"another one is named":          {[]runtime.Runtime{fake{name: "docker", err: broken}, fake{name: "process", has: has}}, cluster.Spec{Name: "stock"}, broken.Error()},
		"the other kind is asked for":   {[]runtime.Runtime{fake{name: "docker", err: broken}, fake{name: "process", has: has}}, cluster.Spec{Runtime: "docker"}, broken.Error()},
		"what is here can't be told of": {[]runtime.Runtime{fake{name: "docker", has: has}, fake{name: "process", err: broken}}, cluster.Spec{}, broken.Error()},
	} {
		found, err := etcdctr.New(etcdctr.Options{Folder: here, Runtimes: c.runtimes}).Find(t.Context(), c.spec)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = found.Spec().ClusterName()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}

func TestWhatSeveralRuntimesSayIsSaidOnce(t *testing.T) {
	forbidden := errors.New("this user may not talk to it")
	_, err := etcdctr.New(etcdctr.Options{Runtimes: []runtime.Runtime{
		fake{name: "docker", err: forbidden}, fake{name: "swarm", err: forbidden}, fake{name: "process", err: errors.New("no such folder")},
	}}).List(t.Context())
	if err == nil || err.Error() != "this user may not talk to it\nno such folder" {
		t.Errorf("the error is %v", err)
	}
}

func TestWhyAnotherRuntimeIsTakenIsTold(t *testing.T) {
	var told []etcdctr.Event
	clusters := etcdctr.New(etcdctr.Options{
		Runtimes: []runtime.Runtime{fake{name: "docker", err: runtime.ErrUnavailable}, fake{name: "process"}},
		Events:   func(e etcdctr.Event) { told = append(told, e) },
	})
	if _, err := clusters.Find(t.Context(), cluster.Spec{}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Instead != "process" || !errors.Is(told[0].Warning, runtime.ErrUnavailable) {
		t.Errorf("told %+v", told)
	}
}

// What is there of a cluster may be told by nothing that lists it.
func TestClustersOfTheFolderAreListedThatAreAskedForByNameOnly(t *testing.T) {
	docker := unlisted{fake{name: "docker", has: holding("orders", "")}}
	docker.has["shop"] = &runtime.State{Name: "shop", Folder: "/srv/shop", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member}}}
	docker.has["network"] = &runtime.State{Name: "network"}
	process := fake{name: "process", has: holding("orders", "")}
	process.has["orders"].Runtime = process.name
	folder := t.TempDir()
	cs := etcdctr.New(etcdctr.Options{Folder: folder, Runtimes: []runtime.Runtime{docker, process, fake{name: "swarm", err: runtime.ErrUnavailable}}})
	all, err := cs.ListHere(t.Context(), "orders", "shop", "network", "gone", "orders")
	if !errors.Is(err, runtime.ErrUnavailable) {
		t.Errorf("what can't be asked is not told of: %v", err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Name+" in "+s.Folder)
	}
	if diff := cmp.Diff([]string{"orders in ", "orders in " + folder, "shop in /srv/shop"}, got); diff != "" {
		t.Error(diff)
	}
}

// unlisted tells of nothing unless it is asked by name.
type unlisted struct{ fake }

func (unlisted) List(context.Context) ([]runtime.State, error) { return nil, nil }
