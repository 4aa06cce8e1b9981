package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/stack"
)

func TestLastWordsAreThoseThatTellOfSomethingWrong(t *testing.T) {
	const (
		info  = `{"level":"info","msg":"starting"}`
		cause = `{"level":"info","msg":"closing","error":"no space left on device"}`
		fatal = `{"level":"fatal","msg":"discovery failed","error":"size key not found"}`
		alarm = `{"level":"panic","msg":"tocommit(5) is out of range"}`
		plain = `flag provided but not defined: -enable-v2`
	)
	for what, test := range map[string]struct{ log, want []string }{
		"nothing":                       {nil, []string{}},
		"nothing wrong":                 {[]string{info}, []string{"starting"}},
		"a line that is not etcd's":     {[]string{plain}, []string{plain}},
		"the cause beside the message":  {[]string{info, fatal}, []string{"discovery failed: size key not found"}},
		"a cause at any level":          {[]string{info, cause, info}, []string{"closing: no space left on device"}},
		"a message that is the cause":   {[]string{alarm}, []string{"tocommit(5) is out of range"}},
		"the same again and again once": {[]string{fatal, fatal, alarm}, []string{"discovery failed: size key not found", "tocommit(5) is out of range"}},
		"the last ones of many": {
			[]string{"1", "2", "3", "4", "5", "6", "7"}, []string{"3", "4", "5", "6", "7"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, append([]string{}, lastWords(test.log)...)); diff != "" {
				t.Errorf("last words (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyContainersAreExamined(t *testing.T) {
	failed := func(v stack.Verb) error {
		return fmt.Errorf("up: %w", &stack.OpError{Op: &stack.Op{Verb: v, Name: "etcd-etcd1-1"}, Err: errors.New("no")})
	}
	for what, test := range map[string]struct {
		err  error
		want bool
	}{
		"a member that is unwell":   {&stack.UnwellError{Container: "etcd-etcd1-1"}, true},
		"a member's start":          {failed(stack.Start), true},
		"a network":                 {failed(stack.CreateNetwork), false},
		"something else altogether": {errors.New("no"), false},
	} {
		if got := ofContainer(test.err); got != test.want {
			t.Errorf("%s: %v, want %v", what, got, test.want)
		}
	}
}

func TestFailureCarriesTheLastWordsAndWhereTheRestIs(t *testing.T) {
	err := explainFailure(&stack.UnwellError{
		Container: "etcd-etcd1-1", Service: "etcd1", What: "exited with code 1", Log: []string{"one", "two"},
	})
	const want = "etcd-etcd1-1 exited with code 1\netcd1 says: one\netcd1 says: two"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	hint := (*hintedError)(nil)
	if !errors.As(err, &hint) || hint.hint != "`etcdctr logs etcd1` shows its whole log, if --keep has kept it" {
		t.Errorf("the hint is %+v", hint)
	}
}
