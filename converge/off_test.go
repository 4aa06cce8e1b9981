package converge_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// A member that is not on its network is reached by nobody, the others included: it is not
// one that may serve somebody else.
func TestAMemberThatIsNotOnItsNetworkIsMadeAnew(t *testing.T) {
	for _, off := range []string{"sim_cluster", ""} {
		w := serving(3, 3)
		s := w.situation(converge.Asked{Verb: converge.Up}, nil)
		for i, x := range s.Have.Servers {
			if x.Name == "etcd3" {
				s.Have.Servers[i].Off = off
			}
		}
		for i, e := range s.Etcd.Endpoints {
			if e.Name == "etcd3" {
				s.Etcd.Endpoints[i] = member.Endpoint{Name: e.Name, Trouble: member.Unreachable}
			}
		}
		s.Changes = append(s.Changes, runtime.Change{Server: "etcd3", Kind: runtime.Replace, Differences: []runtime.Difference{{Name: runtime.Network, Is: "sim_cluster"}}})
		s.Done = []converge.Step{{Kind: converge.Prepare, To: s.Want.Etcd.String()}}
		step, more, err := converge.Next(s)
		if made := err == nil && more && step.Kind == converge.Apply && step.Servers[0] == "etcd3"; made != (off != "") {
			t.Errorf("off %q: the step is %+v (%v)", off, step, err)
		}
	}
}
