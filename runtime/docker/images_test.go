package docker

import (
	"context"
	"errors"
	"testing"

	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
)

// bare is an engine without images, and without a way to a registry.
type bare struct{ Engine }

func (bare) ImageInspect(context.Context, string, ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	return client.ImageInspectResult{}, errdefs.ErrNotFound
}

func (bare) ClientVersion() string { return "1.41" }

func (bare) ImagePull(context.Context, string, client.ImagePullOptions) (client.ImagePullResponse, error) {
	return nil, errors.New("no such host")
}

func TestAnImageIsMissedWhereTheEngineIs(t *testing.T) {
	at := cluster.Engine{At: "ssh://root@192.0.2.1"}
	for _, pull := range []Pull{PullNever, PullMissing} {
		_, err := New(Options{Engine: bare{}, At: at, Pull: pull}).ImageIDs(t.Context(), []string{"registry.example/etcd:1"})
		if missing := (*ImageError)(nil); !errors.As(err, &missing) || missing.At != at {
			t.Errorf("--pull %s: %v", pull, err)
		}
	}
}

// packless is a program that no image can be made of.
type packless struct{}

var errPackless = errors.New("is dynamically linked")

func (packless) Binaries(context.Context, v1.Platform) (*images.Binaries, error) {
	return nil, errPackless
}

func (bare) ServerVersion(context.Context, client.ServerVersionOptions) (client.ServerVersionResult, error) {
	return client.ServerVersionResult{Os: "linux", Arch: "amd64"}, nil
}

func TestThatVolumesCantBeFilledIsFoundBeforeMembersAreStopped(t *testing.T) {
	var trier runtime.FillTrier = New(Options{Engine: bare{}, Self: packless{}})
	if err := trier.TryFill(t.Context(), nil); !errors.Is(err, errPackless) {
		t.Errorf("it says %v", err)
	}
}

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

func TestARegistryWithoutTLSIsToldFromOthers(t *testing.T) {
	for message, want := range map[string]bool{
		"Get \"https://192.0.2.1:5000/v2/\": http: server gave HTTP response to HTTPS client": true,
		"dial tcp: lookup registry.example: no such host":                                     false,
	} {
		if got := speaksPlain(errors.New("Error response from daemon: " + message)); got != want {
			t.Errorf("%s: %v", message, got)
		}
	}
}
