package target

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/converge"
)

// A restart that rotate-ca has begun is gone on with by rotate-ca: the other stages come
// after it.
func TestAPartIsGoneOnWithByTheWhole(t *testing.T) {
	for want, test := range map[string]struct {
		change etcdctr.Change
		of     []string
	}{
		"restart etcd1":        {etcdctr.Change{Verb: converge.Restart, Servers: []string{"etcd1"}}, nil},
		"member replace etcd1": {etcdctr.Change{Verb: converge.Replace, Servers: []string{"etcd1"}}, nil},
		"certs rotate-ca":      {etcdctr.Change{Verb: converge.Restart, Servers: []string{"etcd1"}}, []string{"certs", "rotate-ca"}},
	} {
		if got := strings.Join(goingOn(test.change, test.of), " "); got != want {
			t.Errorf("%q goes on with %q", got, want)
		}
	}
}
