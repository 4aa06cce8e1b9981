package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/spf13/cobra"

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
	}
	return withHint(err, "load an archive of it with `etcdctr image load`, or choose another with --image (`etcdctr image build` makes one) or --dns-image")
}

// registryAuth finds the credentials that `docker login` has kept.
func registryAuth(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = "https://index.docker.io/v1/" // the key that docker login has always used
	}
	var complaint strings.Builder
	file := config.LoadDefaultConfigFile(&complaint)
	if complaint.Len() > 0 {
		return "", fmt.Errorf("credentials for %s: %s", host, strings.TrimSpace(strings.TrimPrefix(complaint.String(), "WARNING: Error ")))
	}
	kept, err := file.GetAuthConfig(host)
	if err != nil {
		return "", fmt.Errorf("credentials for %s: %w", host, err)
	}
	return authconfig.Encode(registry.AuthConfig{
		Username: kept.Username, Password: kept.Password, Auth: kept.Auth,
		ServerAddress: kept.ServerAddress, IdentityToken: kept.IdentityToken, RegistryToken: kept.RegistryToken,
	})
}
