package etcdctr_test

import (
	"context"
	"errors"
	"os"
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

// The page shows what the example runs.
func TestTheLibrarysPageShowsTheExample(t *testing.T) {
	page, err := os.ReadFile("docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, part := range strings.Split(string(page), "```go\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks++
		var indented strings.Builder
		for line := range strings.Lines(block) {
			if strings.TrimSpace(line) != "" {
				line = "\t" + line
			}
			indented.WriteString(line)
		}
		if !strings.Contains(string(example), indented.String()) {
			t.Errorf("example_test.go has no such lines:\n%s", block)
		}
	}
	if blocks < 2 {
		t.Errorf("the page shows %d blocks of Go", blocks)
	}
}
