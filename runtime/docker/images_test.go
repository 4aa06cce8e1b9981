package docker

import (
	"errors"
	"testing"
)

func TestRefusedPullsAreToldFromOthers(t *testing.T) {
	for message, want := range map[string]bool{
		"Head \"https://registry.example/v2/etcd/manifests/1\": no basic auth credentials":                                                         true,
		"unauthorized: authentication required":                                                                                                    true,
		"pull access denied for etcd, repository does not exist or may require 'docker login': denied: requested access to the resource is denied": true,
		"manifest for registry.example/etcd:1 not found: manifest unknown":                                                                         false,
		"dial tcp: lookup registry.example: no such host":                                                                                          false,
	} {
		if got := wantsLogin(errors.New("Error response from daemon: " + message)); got != want {
			t.Errorf("%s: %v", message, got)
		}
	}
}
