package cluster

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a first file shows commented out is what is decided without it.
func TestTheFirstFileShowsTheDefaults(t *testing.T) {
	file, err := FirstFile("etcdctr.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^# ([a-z-]+:|  [a-z-]+: )`).ReplaceAllString(string(file), "$1")
	resolve := func(file string) *Cluster {
		spec, err := Load("etcdctr.yaml", []byte(file))
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		c, err := Resolve(spec, InContainers)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	with := resolve(shown)
	settings, without := strings.CutSuffix(shown, "settings:\n  max-request-bytes: 10485760\n")
	if !without {
		t.Fatalf("the file ends otherwise:\n%s", shown)
	}
	decided := resolve(settings)
	plain := resolve("")
	for i, m := range plain.Members {
		if diff := cmp.Diff(m.Variables(), decided.Members[i].Variables()); diff != "" {
			t.Errorf("%s (-without +with what is shown):\n%s", m.Name, diff)
		}
	}
	if with.TLS != plain.TLS || with.Name != plain.Name || with.Spec.Etcd != DefaultVersion.String() {
		t.Errorf("shown are TLS %s, name %s, etcd %s", with.TLS, with.Name, with.Spec.Etcd)
	}
}

func TestTheFirstFileSaysWhatWasSaid(t *testing.T) {
	file, err := FirstFile("etcdctr.yaml", map[string]string{"name": "yes", "members": "5", "dns-image": "coredns:1", "bootstrap": "dns"})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Load("etcdctr.yaml", file)
	if err != nil || spec.Name != "yes" || spec.Members.Count != 5 || spec.DNSImage != "coredns:1" || spec.Bootstrap != "dns" {
		t.Errorf("it says %+v, %v", spec, err)
	}
	if _, err := FirstFile("etcdctr.yaml", map[string]string{"profile": "holidays"}); err == nil || !strings.Contains(err.Error(), `"holidays"`) {
		t.Errorf("of a profile that there is not it is said: %v", err)
	}
}

// Every key of the list is one of the Spec's, and takes one value.
func TestKeysAreTheSpecs(t *testing.T) {
	for _, k := range Keys() {
		var spec Spec
		value := "3"
		if err := spec.Set(k.Name, value); err != nil || !spec.Says(k.Name) || k.What == "" {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}
