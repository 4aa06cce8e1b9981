package compose_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// What docker-compose 1.29 refuses is in no file for it, whatever a stack has.
func TestVersion1IsToldNothingThatItRefuses(t *testing.T) {
	unknown := regexp.MustCompile(`(?m)^name:|\b(start_interval|selinux|create_host_path|required):`)
	for _, text := range []string{"", "publish: loopback\n", "bootstrap: dns\n", "bootstrap: discovery\n", "monitoring: true\n", "data: memory\n"} {
		spec, err := cluster.Load("etcdctr.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c, err := cluster.Resolve(withToken(spec), cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		today := compose.Project(c, options(c))
		file, err := compose.Marshal(t.Context(), c, compose.Version1(today))
		if err != nil {
			t.Fatal(err)
		}
		if found := unknown.FindAll(file, -1); found != nil {
			t.Errorf("%q: the file has %q", text, found)
		}
		if again, err := compose.Marshal(t.Context(), c, today); err != nil || !unknown.Match(again) {
			t.Errorf("%q: today's file has changed: %v", text, err)
		}
	}
}

// It hands a host and its address on to the engine as they are written, which takes a
// colon between the two.
func TestVersion1WritesHostsAsTheEngineTakesThem(t *testing.T) {
	c, err := cluster.Resolve(cluster.Spec{Subnet: "10.89.1.0/24,fd00:89:1::/64"}, cluster.InKnownContainers)
	if err != nil {
		t.Fatal(err)
	}
	file, err := compose.Marshal(t.Context(), c, compose.Version1(compose.Project(c, options(c))))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"- etcd1:10.89.1.11\n", "- etcd1:fd00:89:1::b\n"} {
		if !strings.Contains(string(file), host) {
			t.Errorf("the file lacks %q:\n%s", host, file)
		}
	}
}

func withToken(spec cluster.Spec) cluster.Spec {
	if spec.Bootstrap == "discovery" {
		spec.DiscoveryToken = "0123456789abcdef0123456789abcdef"
	}
	return spec
}
