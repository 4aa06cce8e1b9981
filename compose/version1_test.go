package compose_test

import (
	"regexp"
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

func withToken(spec cluster.Spec) cluster.Spec {
	if spec.Bootstrap == "discovery" {
		spec.DiscoveryToken = "0123456789abcdef0123456789abcdef"
	}
	return spec
}
