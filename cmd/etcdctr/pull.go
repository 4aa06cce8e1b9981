package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

const (
	pullMissing = "missing"
	pullAlways  = "always"
	pullNever   = "never"
)

func addPullFlag(cmd *cobra.Command, policy *string) {
	*policy = pullMissing
	cmd.Flags().Var(&choice{value: policy, of: []string{pullMissing, pullAlways, pullNever}}, "pull",
		"when to pull the image: missing, always or never")
}

// withImageHint says what to do about an image that could not be got.
func withImageHint(err error) error {
	missing := (*docker.ImageError)(nil)
	switch {
	case !errors.As(err, &missing):
		return err
	case missing.Never:
		return withHint(err, "leave --pull never away, or `etcdctr image load` an archive of it")
	case missing.There:
		return withHint(err, "without --pull always the one that is on the engine runs")
	case missing.Login:
		return withHint(err, "`docker login %s`, as someone who may read it, or load an archive of it with `etcdctr image load`", registryOf(missing.Ref))
	case missing.Ref == cluster.DefaultDNSImage:
		return withHint(err, "--dns-image %s takes the DNS server that etcdctr has itself; or load an archive of CoreDNS's image with `etcdctr image load`", compose.OwnImage)
	case strings.HasPrefix(missing.Ref, cluster.OfficialImage+":"):
		release := strings.TrimPrefix(missing.Ref, cluster.OfficialImage+":v")
		return withHint(err, "load an archive of it with `etcdctr image load`, or make it here: `etcdctr image build --source module --etcd %s --tag %s` where there is Go, "+
			"`--source dir --dir FOLDER` instead with an etcd %s that you have; or choose another with --image", release, missing.Ref, release)
	case strings.HasPrefix(missing.Ref, repositoryOf(cluster.DefaultPrometheusImage)+":"):
		return withHint(err, "load an archive of it with `etcdctr image load`, or choose another Prometheus with --prometheus-image")
	}
	return withHint(err, "load an archive of it with `etcdctr image load`, or choose another with --image (`etcdctr image build` makes one) or --dns-image or --prometheus-image")
}

// repositoryOf is a reference without its tag.
func repositoryOf(ref string) string {
	repository, _, _ := strings.Cut(ref, ":")
	return repository
}
