package doctor

import (
	"strings"
	"testing"
)

// An engine starts a container without its network again and again, and says that it runs.
func TestAMemberThatIsNotOnItsNetworkIsMadeAnew(t *testing.T) {
	m := Member{Name: "etcd3", Status: Running, Off: "orders_cluster", Data: DataKept}
	d, found := Diagnose(Evidence{Members: []Member{
		{Name: "etcd1", Status: Running, Answers: true, Serves: true, ClusterID: "a"}, {Name: "etcd2", Status: Running, Answers: true, Serves: true, ClusterID: "a"}, m,
	}})
	if !found || d.Command != "etcdctr up" || !strings.Contains(d.Cause, "not on orders_cluster") {
		t.Errorf("it is %+v", d)
	}
}
