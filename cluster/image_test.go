package cluster_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestTheReleaseIsThatOfTheImage(t *testing.T) {
	newest := cluster.KnownPatches
	for _, c := range []struct {
		image, etcd string
		asked       string // what the image itself said
		want        string // the release, or a part of the error
	}{
		{image: "gcr.io/etcd-development/etcd:v3.6.10", want: "v3.6.10"},
		{image: "bitnami/etcd:3.5", want: newest[5].String()},
		{image: "quay.io/coreos/etcd:v3.6", want: newest[6].String()},
		{image: "bitnami/etcd:3.5.21-debian-12-r5", want: "v3.5.21"},
		{image: "bitnami/etcd:3.5-debian-12", want: newest[5].String()},
		{image: "mirror/etcd:3.8.0-alpha.0", want: "v3.8.0-alpha.0"},
		{image: "bitnami/etcd:3.5.21", etcd: "3.5", want: "v3.5.21"},
		{image: "bitnami/etcd:3.5", etcd: "v3.5.17", want: "v3.5.17"},
		{image: "etcd:latest", etcd: "3.6", want: newest[6].String()},
		{image: "etcd:latest", asked: "3.5.18", want: "v3.5.18"},
		{image: "etcd:3.6", asked: "3.5.18", want: newest[6].String()}, // which nobody asks
		{image: "etcd:latest", want: "etcd:latest does not say which etcd it is: add etcd:"},
		{image: "etcd", want: "does not say which etcd it is"},
		{image: "etcd@sha256:" + strings.Repeat("ab", 32), want: "does not say which etcd it is"},
		{image: "etcd:35", want: "does not say which etcd it is"},
		{image: "etcd:3.4", want: "etcd 3.4 is not supported"},
		{image: "etcd:3.5.21", etcd: "3.6", want: "etcd:3.5.21 is etcd v3.5.21, but etcd: asks for " + newest[6].String()},
		{image: "etcd:3.5", etcd: "v3.6.1", want: "but etcd: asks for v3.6.1"},
		{image: "etcd:v3.5.21", etcd: "v3.5.20", want: "but etcd: asks for v3.5.20"},
		{image: "etcd:latest", asked: "3.5.18", etcd: "3.6", want: "etcd:latest is etcd v3.5.18, but etcd: asks for"},
	} {
		spec := cluster.Spec{Image: c.image, Etcd: c.etcd}
		if c.asked != "" {
			v, err := cluster.ReadVersion(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			spec = spec.WithImageRelease(v)
		}
		got, err := cluster.Resolve(spec, cluster.InContainers)
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%+v: %v, want %s", c, err, c.want)
		case err == nil && got.Etcd.String() != c.want:
			t.Errorf("%+v: %s, want %s", c, got.Etcd, c.want)
		}
	}
}

func TestAnImageIsAskedWhereNothingElseTells(t *testing.T) {
	v, _ := cluster.ReadVersion("3.5.18")
	for want, specs := range map[string][]cluster.Spec{
		"etcd:latest": {{Image: "etcd:latest"}},
		"":            {{}, {Image: "etcd:3.5"}, {Image: "etcd:latest", Etcd: "3.5"}, {Image: "Not An Image"}, cluster.Spec{Image: "etcd:latest"}.WithImageRelease(v)},
	} {
		for _, s := range specs {
			if got := s.ImageToAsk(); got != want {
				t.Errorf("%+v: %q is to be asked, want %q", s, got, want)
			}
		}
	}
	if _, err := cluster.Resolve(cluster.Spec{Image: "etcd:latest", Runtime: "process"}, cluster.InProcesses("", "")); err != nil {
		t.Errorf("processes need no image: %v", err)
	}
}
