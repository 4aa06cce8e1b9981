package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestAnEnvironmentHoldsTheSettingsThatWereWrittenIntoIt(t *testing.T) {
	environ := []string{"PATH=/bin", "ETCDCTL_API=3"}
	want := cluster.Settings{
		{Name: "name", Value: "etcd1"},
		{Name: "initial-cluster", Value: "etcd1=https://etcd1:2380"},
		{Name: "quota-backend-bytes", Value: ""},
	}
	for _, s := range want {
		environ = append(environ, s.Env()+"="+s.Value)
	}
	if diff := cmp.Diff(want, cluster.SettingsIn(environ)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
