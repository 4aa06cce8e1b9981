package health

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

func TestWhatIsTrueOfSeveralIsSaidOfSeveral(t *testing.T) {
	refused := errors.New("dial tcp 10.0.0.3:2379")
	silent := func(m Member) answer { return answer{member: m, err: refused} }
	for what, test := range map[string]struct {
		members []Member
		want    []string
	}{
		"two are stopped": {
			[]Member{{Name: "etcd1", Idle: "stopped"}, {Name: "etcd2", Idle: "stopped"}, {Name: "etcd3"}},
			[]string{"etcd1, etcd2: do not answer: they are stopped", "etcd3: does not answer: dial tcp 10.0.0.3:2379"},
		},
		"one is stopped": {[]Member{{Name: "etcd1", Idle: "stopped (by hand)"}}, []string{"etcd1: does not answer: it is stopped (by hand)"}},
		"two are paused": {
			[]Member{{Name: "etcd1", Paused: true}, {Name: "etcd2", Paused: true}},
			[]string{"etcd1, etcd2: do not answer: they are paused: `etcdctr up` has them go on"},
		},
		"what holds two is of what it is": {
			[]Member{{Name: "etcd1", Held: "it is the node a that takes no tasks"}, {Name: "etcd2", Held: "it is the node a that takes no tasks"}},
			[]string{"etcd1, etcd2: do not answer: it is the node a that takes no tasks"},
		},
	} {
		var answers []answer
		for _, m := range test.members {
			answers = append(answers, silent(m))
		}
		if got := judge(answers, time.Time{}).Failures; !slices.Equal(got, test.want) {
			t.Errorf("%s: it says %q, want %q", what, got, test.want)
		}
	}
}

func TestWhatWasNeverDialledIsSaidWithoutDialling(t *testing.T) {
	why := errors.New("the engine holds no service etcd2 of orders")
	if got := knockError(&net.OpError{Op: "dial", Net: "tcp", Err: why}); !errors.Is(got, why) || got.Error() != why.Error() {
		t.Errorf("it says %v", got)
	}
}
