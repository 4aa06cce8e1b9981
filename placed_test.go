package etcdctr_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// An engine that is away for a moment has what it had: nothing of that name is founded
// elsewhere unless it is said, and of two of a name it has to be said which is meant.
func TestAClusterIsNotFoundedTwice(t *testing.T) {
	here := t.TempDir()
	in := func(folder string) map[string]*runtime.State {
		return map[string]*runtime.State{"r1d": {Name: "r1d", Folder: folder, Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member}}}}
	}
	away := fake{err: runtime.ErrUnavailable}
	for what, c := range map[string]struct {
		noted                  string // the runtimes that had it, as they are written down
		docker, swarm, process fake
		spec                   cluster.Spec
		want                   string // the runtime, or the error
	}{
		"nothing is noted, and no engine answers":   {docker: away, swarm: away, spec: cluster.Spec{Name: "r1d"}, want: "process"},
		"the engine that has it is away":            {noted: "docker", docker: away, spec: cluster.Spec{Name: "r1d"}, want: "r1d was started from this folder on the runtime docker, which can't be asked: the runtime is not available"},
		"its name is not said":                      {noted: "docker", docker: away, want: "r1d was started from this folder on the runtime docker, which can't be asked: the runtime is not available"},
		"its engine is no part of a swarm now":      {noted: "swarm", swarm: away, spec: cluster.Spec{Name: "r1d"}, want: "r1d was started from this folder on the runtime swarm, which can't be asked: the runtime is not available"},
		"it is said where a new one is to be":       {noted: "docker", docker: away, spec: cluster.Spec{Name: "r1d", Runtime: "process"}, want: "process"},
		"the engine has it no more":                 {noted: "docker", spec: cluster.Spec{Name: "r1d"}, want: "docker"},
		"it is on the engine":                       {noted: "docker", docker: fake{has: in(here)}, want: "docker"},
		"there are two":                             {noted: "docker\nprocess", docker: fake{has: in(here)}, process: fake{has: in(here)}, want: "there are clusters called r1d on the runtimes process and docker"},
		"there are two, and nothing is noted":       {docker: fake{has: in(here)}, process: fake{has: in(here)}, spec: cluster.Spec{Name: "r1d"}, want: "there are clusters called r1d on the runtimes process and docker"},
		"there are two, and one can't be asked":     {noted: "docker\nprocess", docker: away, process: fake{has: in(here)}, want: "there are clusters called r1d on the runtimes process and docker"},
		"it is said which of two":                   {noted: "docker\nprocess", docker: fake{has: in(here)}, process: fake{has: in(here)}, spec: cluster.Spec{Name: "r1d", Runtime: "docker"}, want: "docker"},
		"it is said that it is the other":           {noted: "docker\nprocess", docker: away, process: fake{has: in(here)}, spec: cluster.Spec{Name: "r1d", Runtime: "process"}, want: "process"},
		"the engine's was started elsewhere":        {docker: fake{has: in(t.TempDir())}, process: fake{has: in(here)}, spec: cluster.Spec{Name: "r1d"}, want: "process"},
		"only processes had it, so nobody is asked": {noted: "process", docker: fake{has: in(here)}, process: fake{has: in(here)}, want: "process"},
	} {
		t.Run(what, func(t *testing.T) {
			places := filepath.Join(t.TempDir(), "places")
			if c.noted != "" {
				if err := errors.Join(os.Mkdir(places, 0o700), os.WriteFile(filepath.Join(places, ".r1d.runtimes"), []byte(c.noted+"\n"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			c.docker.name, c.swarm.name, c.process.name = "docker", "swarm", "process"
			found, err := etcdctr.New(etcdctr.Options{
				Folder: here, PlacesDir: places, Runtimes: []runtime.Runtime{c.docker, c.swarm, c.process},
			}).Find(t.Context(), c.spec)
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

// What is noted is there before the cluster is, and goes with its data.
func TestWhatRunsAClusterIsNoted(t *testing.T) {
	places := filepath.Join(t.TempDir(), "places")
	found, err := etcdctr.New(etcdctr.Options{PlacesDir: places, Runtimes: []runtime.Runtime{fake{name: "docker"}}}).Find(t.Context(), cluster.Spec{Name: "r1d"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(cluster.Spec{Name: "r1d", TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // once more notes nothing twice
		if err := found.Provide(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(places, ".r1d.runtimes"))
	if err != nil || !slices.Equal(strings.Fields(string(data)), []string{"docker"}) {
		t.Errorf("noted is %q: %v", data, err)
	}
}
