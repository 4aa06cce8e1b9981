package etcdctr_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
)

func TestATokenIsRegisteredWhereSomebodyNamedAService(t *testing.T) {
	at := etcdctr.ServiceOf(cluster.Spec{DiscoveryEndpoints: "http://192.0.2.1:2379,http://192.0.2.2:2379"})
	if len(at.Endpoints) != 2 {
		t.Fatalf("the service is at %v", at.Endpoints)
	}
	for _, c := range []struct {
		service *cluster.Discovery
		size    int
		want    string
	}{{at, 0, "must be from 1 to"}, {at, cluster.MaxMembers + 1, "must be from 1 to"}, {etcdctr.ServiceOf(cluster.Spec{}), 3, "which discovery service"}} {
		_, err := etcdctr.RegisterToken(t.Context(), c.service, c.size, false, rand.Reader)
		if !errors.As(err, new(*etcdctr.InputError)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("of %d at %v it says %v", c.size, c.service.Endpoints, err)
		}
	}
}

func TestATokenIsFoundByItsNameOrItsURL(t *testing.T) {
	nowhere := etcdctr.ServiceOf(cluster.Spec{})
	s, name, err := etcdctr.FindToken(t.Context(), nowhere, "http://192.0.2.1:2379/v2/keys/discovery/3e86b59982e49066")
	if err != nil || name != "3e86b59982e49066" {
		t.Fatalf("it is %q, %v", name, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for token, want := range map[string]string{"3e86b59982e49066": "which discovery service", "ftp://192.0.2.1": ""} {
		if _, _, err := etcdctr.FindToken(t.Context(), nowhere, token); !errors.As(err, new(*etcdctr.InputError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", token, err)
		}
	}
	if nowhere.URL != "" {
		t.Error("what was asked with is changed")
	}
}

func TestSurprisesAreOneErrorAndEachRemedyOnce(t *testing.T) {
	remedies, err := etcdctr.Surprises([]etcdctr.Proof{
		{Subject: "etcd1", Check: "published", Expected: "nothing", Seen: "nothing", OK: true, Remedy: "none"},
		{Subject: "etcd2", Check: "published", Expected: "nothing", Seen: "0.0.0.0:2379", Remedy: "do this"},
		{Subject: "etcd3", Check: "published", Expected: "nothing", Seen: "0.0.0.0:2479", Detail: "by docker", Remedy: "do this"},
	})
	const want = "etcd2: published: expected nothing, seen 0.0.0.0:2379\netcd3: published: expected nothing, seen 0.0.0.0:2479 (by docker)"
	if err == nil || err.Error() != want || len(remedies) != 1 || remedies[0] != "do this" {
		t.Errorf("%v\nremedies %v", err, remedies)
	}
	if _, err := etcdctr.Surprises(nil); err != nil {
		t.Errorf("nothing surprises: %v", err)
	}
}
