package adopt

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// imageEngine has images, by name with what they begin by, and containers with files.
type imageEngine struct {
	Engine
	images map[string][]string
	files  []string
}

func (e imageEngine) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	begins, ok := e.images[ref]
	if !ok {
		return client.ImageInspectResult{}, errdefs.ErrNotFound
	}
	config := &v1.DockerOCIImageConfig{}
	config.Cmd = begins
	return client.ImageInspectResult{InspectResponse: image.InspectResponse{Config: config}}, nil
}

func (e imageEngine) ContainerStatPath(_ context.Context, _ string, o client.ContainerStatPathOptions) (client.ContainerStatPathResult, error) {
	for _, f := range e.files {
		if f == o.Path {
			return client.ContainerStatPathResult{}, nil
		}
	}
	return client.ContainerStatPathResult{}, errdefs.ErrNotFound
}

func TestAnImageIsProposedThatTheEngineHas(t *testing.T) {
	const official, own = cluster.OfficialImage + ":v3.7.1", "quay.io/coreos/etcd:v3.7.1"
	etcd := []string{"/usr/local/bin/etcd"}
	programs := []string{"/usr/local/bin/etcd", "/usr/local/bin/etcdctl"}
	for _, c := range []struct {
		name        string
		engine      imageEngine
		runs        string
		said        cluster.Spec
		image, etcd string
		because     string // empty: nothing is said
	}{
		{name: "the official one is there", engine: imageEngine{images: map[string][]string{official: etcd, own: etcd}, files: programs}, runs: own, etcd: "v3.7.1"},
		{name: "that of the members", engine: imageEngine{images: map[string][]string{own: etcd}, files: programs}, runs: own, image: own, etcd: "v3.7.1", because: "which etcd1 runs"},
		{name: "that of the members begins otherwise", engine: imageEngine{images: map[string][]string{own: {"/entry.sh"}}, files: programs}, runs: own, etcd: "v3.7.3", because: "v3.7.3, whose image"},
		{name: "that of the members has no etcdctl", engine: imageEngine{images: map[string][]string{own: etcd}, files: programs[:1]}, runs: own, etcd: "v3.7.3", because: "v3.7.3, whose image"},
		{name: "that of the members is an ID", engine: imageEngine{images: map[string][]string{"sha256:1": etcd}, files: programs}, runs: "sha256:1", etcd: "v3.7.3", because: "v3.7.3"},
		{name: "the release was said", engine: imageEngine{}, runs: own, said: cluster.Spec{Etcd: "v3.7.1"}, etcd: "v3.7.1"},
		{name: "the image was said", engine: imageEngine{images: map[string][]string{own: etcd}, files: programs}, runs: own, said: cluster.Spec{Image: "mine:v3.7.1"}, image: "mine:v3.7.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := of("etcd1", runtime.Running, open("etcd1")...)
			m.Release, m.Program = "v3.7.1", c.runs
			s := shop(m)
			d, err := Describe(s, c.said)
			if err != nil {
				t.Fatal(err)
			}
			if err := (&Containers{Engine: c.engine}).ChooseImage(t.Context(), s, &d, cluster.Version{Minor: 7, Patch: 3}); err != nil {
				t.Fatal(err)
			}
			if d.Spec.Image != c.image || d.Spec.Etcd != c.etcd {
				t.Errorf("it is image %q, etcd %q; want %q, %q", d.Spec.Image, d.Spec.Etcd, c.image, c.etcd)
			}
			if c.because == "" && d.Because != "" || !strings.Contains(d.Because, c.because) {
				t.Errorf("it says %q, want %q", d.Because, c.because)
			}
		})
	}
}

func TestAReleaseIsNotLeftForTheOneThatIsCarried(t *testing.T) {
	m := of("etcd1", runtime.Running, open("etcd1")...)
	m.Program = "bitnami/etcd:3.6.16"
	d, err := Describe(shop(m), cluster.Spec{})
	if err == nil {
		err = (&Containers{Engine: imageEngine{}}).ChooseImage(t.Context(), shop(m), &d, cluster.Version{Minor: 7, Patch: 3})
	}
	if err != nil || d.Spec.Etcd != "v3.6.16" || d.Spec.Image != "" || d.Because != "" {
		t.Errorf("3.6 becomes %q, %q: %q, %v", d.Spec.Etcd, d.Spec.Image, d.Because, err)
	}
}
