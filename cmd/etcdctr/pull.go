package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/stack"
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

// fetcher sees to it that images are on an engine.
type fetcher struct {
	a      *app
	engine *client.Client
	policy string
	board  progressBoard
	etcd   string // the members' image, if this program's own may stand for it
}

// carried gives ref if it is the official image of the release that this program
// carries, which its own etcd may stand for. What an image of any other name
// holds besides is its maker's business.
func carried(ref, release string) string {
	if release == "v"+etcdversion.Version && ref == cluster.OfficialImage+":"+release {
		return ref
	}
	return ""
}

// ids gives the IDs of images by reference, fetching them first as the policy
// has it.
func (f *fetcher) ids(ctx context.Context, refs []string) (map[string]string, error) {
	ids := map[string]string{}
	for _, ref := range refs {
		id, err := f.id(ctx, ref)
		if err != nil {
			return nil, err
		}
		ids[ref] = id
	}
	return ids, nil
}

func (f *fetcher) id(ctx context.Context, ref string) (string, error) {
	id, err := stack.ImageID(ctx, f.engine, ref)
	if err != nil || id != "" && f.policy != pullAlways {
		return id, err
	}
	if f.policy == pullNever {
		return "", withHint(fmt.Errorf("the image %s is not on the engine, and --pull never keeps from fetching it", ref),
			"leave --pull away, or `etcdctr image load` an archive of it")
	}
	if err := f.fetch(ctx, ref, id != ""); err != nil {
		return "", err
	}
	return stack.ImageID(ctx, f.engine, ref)
}

// fetch pulls an image. On a machine that reaches no registry it packs this
// program in its place, if that is the same etcd and there is none.
func (f *fetcher) fetch(ctx context.Context, ref string, there bool) error {
	errPull := f.pull(ctx, ref)
	if errPull == nil || ctx.Err() != nil {
		return errors.Join(errPull, ctx.Err())
	}
	cause := strings.TrimPrefix(errPull.Error(), "Error response from daemon: ")
	if there {
		return withHint(fmt.Errorf("cannot pull the image %s: %s", ref, cause), "without --pull always the one that is on the engine runs")
	}
	if ref != f.etcd {
		if wantsLogin(errPull) {
			return withHint(fmt.Errorf("cannot pull the image %s: %s", ref, cause), "`docker login %s`, as someone who may read it, or load an archive of it with `etcdctr image load`", registryOf(ref))
		}
		return withHint(fmt.Errorf("cannot pull the image %s: %s", ref, cause),
			"load an archive of it with `etcdctr image load`, or choose another with --image (`etcdctr image build` makes one) or --dns-image")
	}
	if err := f.pack(ctx, ref); err != nil {
		return fmt.Errorf("cannot pull the image %s (%s), nor make it from this program: %w", ref, cause, err)
	}
	f.a.say("%s could not be pulled, so this program's own etcd %s was packed as it: %s", ref, etcdversion.Version, cause)
	return nil
}

// wantsLogin tells that a registry refused whoever asked. Some engines say it by
// a status, some in the registry's own words only.
func wantsLogin(err error) bool {
	if errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err) {
		return true
	}
	for _, words := range []string{"unauthorized", "no basic auth credentials", "access denied", "denied:"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

func (f *fetcher) pull(ctx context.Context, ref string) error {
	auth, err := registryAuth(ref)
	if err != nil {
		return err
	}
	s := step{Item: ref, Action: "pulling"}
	f.board.show(s)
	r, err := f.engine.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer r.Close()
	for message, err := range r.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if message.Error != nil {
			return message.Error
		}
		s.Detail = strings.TrimSpace(message.ID + " " + message.Status)
		f.board.show(s)
	}
	s.Done = true
	f.board.show(s)
	return nil
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

// pack makes the image of this program's own etcd and loads it.
func (f *fetcher) pack(ctx context.Context, ref string) error {
	platform, err := images.EnginePlatform(ctx, f.engine)
	if err != nil {
		return err
	}
	source := &sourceFlags{source: sourceSelf}
	made, err := source.build(ctx, []v1.Platform{platform}, f.board)
	if err != nil {
		return err
	}
	return images.Load(ctx, f.engine, made[0], []string{ref}, showImageEvents(f.board))
}
