package bundle

import (
	"bytes"
	"context"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestWhatAnArchiveStartsIsReadFromIt(t *testing.T) {
	spec, err := cluster.Load("etcdctr.yaml", []byte(described+"tls: none\n"))
	if err != nil {
		t.Fatal(err)
	}
	runs := func(m Machine, how func(Machine, context.Context) ([]byte, error)) []byte {
		data, err := how(m, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	machine := func(member string) Machine {
		c, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Of(c, member, t.TempDir(), "/usr/local/bin/etcdctr")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	in, err := RunsIn(runs(machine("etcd1"), Machine.Archive))
	if err != nil || !bytes.Equal(in, runs(machine("etcd1"), Machine.Runs)) {
		t.Errorf("what the archive starts is another than what was packed: %v", err)
	}
	if bytes.Equal(in, runs(machine("etcd2"), Machine.Runs)) {
		t.Error("two members are started by the same")
	}
	if _, err := RunsIn([]byte("no archive")); err == nil {
		t.Error("something else is read")
	}
}

// Another release may tell people something else.
func TestCommentsStartNothing(t *testing.T) {
	if got := string(withoutComments([]byte("# told\n\na: 1 # kept\n  # told\nb: 2"))); got != "a: 1 # kept\nb: 2" {
		t.Errorf("what is left is %q", got)
	}
}
