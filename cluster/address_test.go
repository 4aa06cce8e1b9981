package cluster_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestAHostIsAnAddressThatOthersReach(t *testing.T) {
	for host, want := range map[string]string{
		"10.77.0.1": "10.77.0.1", "169.254.1.1": "169.254.1.1", "FD00:0077::1": "fd00:77::1", "::ffff:10.77.0.1": "10.77.0.1",
		"127.0.0.1": "", "0.0.0.0": "", "::1": "", "fe80::1": "", "fe80::1%eth0": "", "fd00::1%eth0": "", "ff02::1": "", "etcd1": "",
	} {
		c, err := cluster.Resolve(cluster.Spec{Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: host}}}}, cluster.InContainers)
		if (err == nil) != (want != "") {
			t.Errorf("%s: error %v", host, err)
		}
		if err == nil && c.Members[0].Host.String() != want {
			t.Errorf("%s is resolved to %s, want %s", host, c.Members[0].Host, want)
		}
	}
}
