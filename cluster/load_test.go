package cluster_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestLoadKeepsWhatWasWritten(t *testing.T) {
	got, err := cluster.Load("etcdctr.yaml", []byte(`
name: orders
etcd: 3.6
members:
  - {name: a, client-port: 4001}
  - b
quota-backend-bytes: 4GiB
settings: {pre-vote: yes}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := cluster.Spec{
		Name: "orders",
		Etcd: "3.6",
		Members: cluster.Members{List: []cluster.MemberSpec{
			{Name: "a", ClientPort: "4001"}, {Name: "b"},
		}},
		QuotaBackendBytes: "4GiB",
		Settings:          map[string]string{"pre-vote": "yes"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(cluster.Spec{})); diff != "" {
		t.Error(diff)
	}
}

func TestLoadOfNothingIsTheEmptySpec(t *testing.T) {
	for _, file := range []string{"", "\n", "# only a comment\n", "---\n", "null\n"} {
		got, err := cluster.Load("etcdctr.yaml", []byte(file))
		if err != nil {
			t.Errorf("%q: %v", file, err)
		}
		if diff := cmp.Diff(cluster.Spec{}, got, cmpopts.IgnoreUnexported(cluster.Spec{})); diff != "" {
			t.Errorf("%q: %s", file, diff)
		}
	}
}

func TestFlagsOverrideTheFileAndAreNamedInMistakes(t *testing.T) {
	spec, err := cluster.Load("etcdctr.yaml", []byte("tls: none\nprofile: nope\nmembers: [a, b]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{"tls": "both", "members": "5"} {
		if err := spec.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	_, err = cluster.Resolve(spec, cluster.InContainers)
	want := `--tls: must be mutual, auto or none, not "both"
etcdctr.yaml:2: profile: must be production, dev or ci, not "nope"`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// FuzzLoad holds the loader to its contract for any input: a Spec that Resolve
// can judge, or Problems that name the file.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "name: orders\nmembers: 3\n", "members: [a, {name: b, settings: {x: 1}}]",
		"a: &a [*a]", "? [x] : y", "settings: {<<: {a: b}}", "name: !!binary aGk=", "\x00", "--- a\n--- b",
		"members: &m [*m, *m]", "environment: {A: [1, {b: c}]}", "name: 'a\nb'", "members: 99999999999999999999",
	} {
		f.Add([]byte(seed))
	}
	for _, members := range []string{"0", "12", "[]", "{}", "[{}]", "[{name: a, host: nowhere}]"} {
		for _, rest := range []string{
			"backup: {destination: x, schedule: 1h}", "monitoring: true", "bootstrap: dns", "bootstrap: discovery", "runtime: swarm",
			"publish: loopback", "tls: none", "auth: {users: {root: {roles: [root]}}}", "runtime: process", "client-port: auto",
		} {
			f.Add([]byte("members: " + members + "\n" + rest))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := cluster.Load("etcdctr.yaml", data)
		if err == nil {
			_, err = cluster.Resolve(spec, cluster.InContainers)
		}
		if err == nil {
			return
		}
		var problems cluster.Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("not a list of problems: %v", err)
		}
		for _, p := range problems {
			if p.File == "" || p.Message == "" {
				t.Errorf("a problem without file or message: %+v", p)
			}
		}
	})
}

// TestMistakesOfFileAndFlagsComeTogether wants nothing told of a value that a
// flag has replaced, nor of what holds in one place only.
func TestMistakesOfFileAndFlagsComeTogether(t *testing.T) {
	spec, err := cluster.Load("etcdctr.yaml", []byte("nmae: x\ntls: nope\nprofile: nope\nmembers: [{name: a, client-port: 4001}]\n"))
	if err == nil {
		t.Fatal("the file has no mistake")
	}
	if err := spec.Set("tls", "none"); err != nil {
		t.Fatal(err)
	}
	want := `etcdctr.yaml:1: nmae: is not a known key: did you mean name?
etcdctr.yaml:3: profile: must be production, dev or ci, not "nope"`
	if err := cluster.Mistakes(spec); err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// A key that can't be read hides nothing of what is wrong however it was meant, and
// brings up nothing that is wrong in one reading only.
func TestAllMistakesOfAFileAreToldAtOnce(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"an unknown key": {
			"nmae: x\nprofile: nope\n",
			`c.yaml:1: nmae: is not a known key: did you mean name?
c.yaml:2: profile: must be production, dev or ci, not "nope"`,
		},
		"members that are no number": {
			"members: 0\nprofile: nope\nclient-port: 99999\n",
			`c.yaml:1: members: must be a number from 1 to 9 or a list of members, not "0"
c.yaml:2: profile: must be production, dev or ci, not "nope"
c.yaml:3: client-port: must be auto, not "99999": each member has a port of its own, in a line of its own: members: [{name: etcd1, client-port: 99999}, {name: etcd2, client-port: ...}]`,
		},
		"a key given twice, and badly": {
			"profile: nope\nprofile: dev\n",
			`c.yaml:1: profile: must be production, dev or ci, not "nope"
c.yaml:2: profile: is given twice: keep one`,
		},
		"what only one of two values forbids": {
			"tls: none\ntls: auto\nself-signed-cert-validity: 2\nruntime: nope\n",
			`c.yaml:2: tls: is given twice: keep one
c.yaml:4: runtime: must be auto, docker, process or swarm, not "nope"`,
		},
		"what only one of two runtimes forbids": {
			"runtime: docker\nruntime: process\netcd-binary: /etcd\n",
			`c.yaml:2: runtime: is given twice: keep one`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := cluster.Load("c.yaml", []byte(tt.file))
			if err := cluster.Mistakes(spec); err == nil || err.Error() != tt.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
			}
		})
	}
}
