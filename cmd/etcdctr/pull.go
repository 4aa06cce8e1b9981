package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/runtime"
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

// getImages gives the IDs of images on an engine by reference, fetching them first
// as the policy has it.
func (a *app) getImages(ctx context.Context, engine *client.Client, policy string, board progressBoard, refs []string) (map[string]string, error) {
	self, err := selfSource()
	if err != nil {
		return nil, err
	}
	r := docker.New(docker.Options{
		Engine: engine, Pull: docker.Pull(policy), Auth: registryAuth,
		Self: self, SelfRelease: "v" + etcdversion.Version, Events: a.showEvents(board),
	})
	ids, err := r.ImageIDs(ctx, refs)
	return ids, withImageHint(err)
}

// showEvents puts what a runtime does on a board, and says what may surprise.
func (a *app) showEvents(board progressBoard) func(runtime.Event) {
	return func(e runtime.Event) {
		if e.Action == docker.Packed {
			a.say("%s could not be pulled, so this program's own etcd %s was packed as it: %s", e.Server, etcdversion.Version, e.Detail)
			return
		}
		if e.Err == nil {
			board.show(step{Item: e.Server, Action: e.Action, Detail: e.Detail, Done: e.Done})
		}
	}
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
