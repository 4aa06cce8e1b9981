package adopt

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
)

// servedFrom is where members of ours have their programs, as etcd's official image
// does.
const servedFrom = "/usr/local/bin"

// ChooseImage has a description that names no image name one that can be had where
// no registry can be reached. Carried is the release whose official image is made by
// whoever starts the members. If the engine lacks the official image, and it is not
// made, the members go on with the image that the old ones run, if that has what ours
// need; else with the carried release, if only its patch differs. Description.Because
// says so. With neither, the official image has to be pulled.
func (c *Containers) ChooseImage(ctx context.Context, s *Stack, d *Description, carried cluster.Version) error {
	if d.Spec.Image != "" || d.Spec.Runtime != string(cluster.Docker) {
		return nil
	}
	want, err := cluster.Resolve(d.Spec, cluster.InContainers)
	if err != nil {
		return err
	}
	if there, err := c.hasImage(ctx, want.Image); there || err != nil || want.Etcd == carried {
		return err
	}
	if own, err := c.ownImage(ctx, s, d.Spec, want.Etcd); own.image != "" || err != nil {
		if err == nil {
			d.Spec.Image = own.image
			d.Because = fmt.Sprintf("the image is %s, which %s runs: the engine does not have %s", own.image, own.member, want.Image)
		}
		return err
	}
	next := d.Spec
	next.Etcd = carried.String()
	made, err := cluster.Resolve(next, cluster.InContainers)
	if !d.etcdSaid && err == nil && carried.Minor == want.Etcd.Minor && want.Etcd.Patch < carried.Patch {
		d.Spec = next
		d.Because = fmt.Sprintf("etcd is %s, whose image %s is made here: the engine does not have %s", carried, made.Image, want.Image)
	}
	return nil
}

func (c *Containers) hasImage(ctx context.Context, ref string) (bool, error) {
	_, err := c.Engine.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the image %s: %w", ref, err)
	}
	return true, nil
}

type runImage struct{ image, member string }

// ownImage is one that a member runs and that members of ours can run: it is of the
// release, is called by a name, and has the programs where they are looked for.
func (c *Containers) ownImage(ctx context.Context, s *Stack, spec cluster.Spec, release cluster.Version) (runImage, error) {
	for _, m := range s.Members {
		spec.Image = m.Program
		if w, err := cluster.Resolve(spec, cluster.InContainers); err != nil || w.Etcd != release || isID(m.Program) {
			continue
		}
		fits, err := c.fits(ctx, m)
		if err != nil {
			return runImage{}, err
		}
		if fits {
			return runImage{m.Program, m.Name}, nil
		}
	}
	return runImage{}, nil
}

// isID tells the ID of an image from its name.
func isID(image string) bool { return strings.HasPrefix(image, "sha256:") }

// fits tells whether a member's image begins by etcd alone, and has the programs.
func (c *Containers) fits(ctx context.Context, m Member) (bool, error) {
	image, err := c.Engine.ImageInspect(ctx, m.Program)
	switch {
	case errdefs.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the image %s: %w", m.Program, err)
	case image.Config == nil:
		return false, nil
	}
	if begins := slices.Concat(image.Config.Entrypoint, image.Config.Cmd); len(begins) != 1 || path.Base(begins[0]) != "etcd" {
		return false, nil
	}
	for _, program := range []string{"etcd", "etcdctl"} {
		_, err := c.Engine.ContainerStatPath(ctx, m.id, client.ContainerStatPathOptions{Path: path.Join(servedFrom, program)})
		if errdefs.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for %s in the container of %s: %w", program, m.Name, err)
		}
	}
	return true, nil
}
