package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// HelperRole is the role of a container that is there for a moment.
const HelperRole = "helper"

// Helper is a container that sees one volume of a project, a folder of the engine's
// machine or neither, and is removed once it has been of use; if whoever made it is
// killed before, by DropLeft. It has no network, and may no more than read and change
// what is in there, whoever owns it.
type Helper struct {
	Project string
	Image   string
	Volume  string // its name on the engine; empty: Folder, or none
	Folder  string
	Target  string   // where the container sees it
	Command []string // the program and its arguments
	// Labels are those that it has besides its own.
	Labels map[string]string
}

// With makes the container, which is not started, and has use look at it.
func (h Helper) With(ctx context.Context, e Engine, use func(id string) error) error {
	made, err := e.ContainerCreate(context.WithoutCancel(ctx), h.options())
	if err != nil {
		return fmt.Errorf("create a container to run %s: %w", h.Command[0], err)
	}
	err = use(made.ID)
	return errors.Join(err, removeContainer(context.WithoutCancel(ctx), e, made.ID))
}

// Run runs the command to its end. An exit code other than 0 is an error with
// the command's last words.
func (h Helper) Run(ctx context.Context, e Engine) error {
	_, err := h.Output(ctx, e)
	return err
}

// Output is Run, and gives the last lines that the command has written.
func (h Helper) Output(ctx context.Context, e Engine) (said []string, err error) {
	err = h.With(ctx, e, func(id string) (err error) {
		if _, err := e.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
			return fmt.Errorf("run %s: %s", h.Command[0], engineText(err))
		}
		code, err := endOf(ctx, e, id)
		if err != nil {
			return fmt.Errorf("ask how %s ended: %w", h.Command[0], err)
		}
		said, err = logTail(ctx, e, id)
		if code == 0 {
			return err
		}
		return errors.Join(fmt.Errorf("%s ended with code %d: %s", h.Command[0], code, strings.Join(said, "; ")), err)
	})
	return said, err
}

// mostFailures is how often Podman may fail to look at a container: it does where the process
// of that has ended and it has not noted so yet.
const mostFailures = 50

// endOf is the exit code of a container once it has ended, as the engine has written it down.
// It is asked for that, as Podman finds the end that it is told to wait for among its events:
// where it sees no more of these it answers -1, which says nothing of how the container ended,
// nor that it did.
func endOf(ctx context.Context, e Engine, id string) (int64, error) {
	failed := 0
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		r, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		switch {
		case errdefs.IsInternal(err) && failed < mostFailures:
			failed++
		case err != nil:
			return 0, err
		case r.Container.State.Status == container.StateExited:
			return int64(r.Container.State.ExitCode), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (h Helper) options() client.ContainerCreateOptions {
	atOnce := 0
	return client.ContainerCreateOptions{
		Config: &container.Config{
			Image: h.Image, Entrypoint: h.Command[:1], Cmd: h.Command[1:], User: "0:0", StopTimeout: &atOnce, Labels: h.labels(),
			WorkingDir: "/", // that of the image may be what is looked at, where nobody may enter
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", ReadonlyRootfs: true,
			CapDrop: []string{"ALL"}, CapAdd: []string{"DAC_OVERRIDE"}, SecurityOpt: []string{"no-new-privileges"},
			Mounts: h.mounts(),
		},
	}
}

func (h Helper) labels() map[string]string {
	all := maps.Clone(h.Labels)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, map[string]string{
		projectLabel: h.Project, serviceLabel: HelperRole, oneoffLabel: "True", RoleLabel: HelperRole, makerLabel: thisProcess().String(),
	})
	return all
}

// mounts has nothing of what the image has there in an empty volume: it would give
// that an owner that members are not.
func (h Helper) mounts() []mount.Mount {
	switch {
	case h.Volume != "":
		return []mount.Mount{{
			Type: mount.TypeVolume, Source: h.Volume, Target: h.Target, VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		}}
	case h.Folder != "":
		return []mount.Mount{{Type: mount.TypeBind, Source: h.Folder, Target: h.Target}}
	}
	return nil
}
