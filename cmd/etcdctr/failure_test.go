package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestFailureCarriesTheLastWordsAndWhereTheRestIs(t *testing.T) {
	u := &converge.UnwellError{Server: "etcd1", What: "exited with code 1", Log: []string{"one", "two"}}
	err := explainFailure(u, u.Server, u.Log)
	const want = "etcd1 exited with code 1\netcd1 says: one\netcd1 says: two"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	hint := (*hintedError)(nil)
	if !errors.As(err, &hint) || hint.hint != "`etcdctr logs etcd1` shows its whole log, if --keep has kept it" {
		t.Errorf("the hint is %+v", hint)
	}
}

// A member whose machine was away is started again with it.
func TestDownSaysThatAMemberComesBackWithItsMachine(t *testing.T) {
	away := &runtime.AwayError{Server: "etcd1", Machine: "ssh://root@192.0.2.1", Err: errors.New("no route to host")}
	for kind, again := range map[converge.Kind]string{converge.Remove: "`etcdctr down`", converge.Delete: "`etcdctr down --volumes`"} {
		err := hinted(&converge.StepError{Step: converge.Step{Kind: kind}, Err: away})
		hint := (*hintedError)(nil)
		if !errors.As(err, &hint) || !strings.Contains(hint.hint, "comes back with its machine, and takes "+again+" again") {
			t.Errorf("%s: the hint is %+v", kind, hint)
		}
	}
}
