package hosts_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// What a member has is kept before it is deleted, and nothing is deleted where that fails.
func TestPeopleKeepWhatAMemberHasBeforeItBeginsWithOtherData(t *testing.T) {
	spec := cluster.Spec{Name: "orders", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Host: "192.0.2.1"}}}}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	r := hosts.New(hosts.Options{Spec: spec, Output: "bundles"})
	want := "on 192.0.2.1: cd orders-etcd1 && docker compose stop && docker compose create && docker compose cp etcd1:/var/lib/etcd/data held"
	if got := r.KeepThere(c, c.Members[0], "held"); got != want {
		t.Errorf("to keep it, it says\n%s\nwant\n%s", got, want)
	}
	want = "take anew and bundles/orders-etcd1.tar.gz to 192.0.2.1, and there: tar -xzf orders-etcd1.tar.gz && cd orders-etcd1 && " +
		"docker compose stop && docker compose create && kept=kept-$(date +%s) && mkdir $kept && docker compose cp etcd1:/var/lib/etcd $kept/data-dir && " +
		"docker compose down --volumes && docker compose create && docker compose cp ../anew/. etcd1:/var/lib/etcd/data && sh start.sh"
	if got := r.FillThere(c, c.Members[0], "anew"); got != want {
		t.Errorf("to fill it, it says\n%s\nwant\n%s", got, want)
	}
}
