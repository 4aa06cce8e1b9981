package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Where another release runs, that its program is at another path says no more.
func TestAnotherReleaseIsOneDifference(t *testing.T) {
	was := process.Member{Path: "/opt/3.6/etcd", Args: []string{"etcd"}, Version: "v3.6.16"}
	program := runtime.Difference{Name: runtime.Program, Was: "/opt/3.6/etcd", Is: "/opt/3.7/etcd"}
	for name, test := range map[string]struct {
		is   process.Member
		want []runtime.Difference
	}{
		"another release":        {process.Member{Path: "/opt/3.7/etcd", Args: []string{"etcd"}, Version: "v3.7.3"}, []runtime.Difference{{Name: "etcd", Was: "v3.6.16", Is: "v3.7.3"}}},
		"the same at a new path": {process.Member{Path: "/opt/3.7/etcd", Args: []string{"etcd"}, Version: "v3.6.16"}, []runtime.Difference{program}},
		"the same":               {was, nil},
	} {
		if diff := cmp.Diff(test.want, differences(was, test.is)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
