package stack

import (
	"context"
	"fmt"
	"maps"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// A note is what outlives a stack's containers: an empty volume, for its labels.
// An engine changes none, so that a note that says something else is a new one.

// WriteNote makes a project's note of a key say labels, and nothing else.
func WriteNote(ctx context.Context, e Engine, project, key string, labels map[string]string) error {
	if err := RemoveNote(ctx, e, project, key); err != nil {
		return err
	}
	all := map[string]string{projectLabel: project, volumeLabel: key, versionLabel: composeVersion, ownLabel: "true"}
	maps.Copy(all, labels)
	if _, err := e.VolumeCreate(ctx, client.VolumeCreateOptions{Name: noteName(project, key), Labels: all}); err != nil {
		return fmt.Errorf("make the volume %s: %w", noteName(project, key), err)
	}
	return nil
}

// RemoveNote removes a project's note, if there is one.
func RemoveNote(ctx context.Context, e Engine, project, key string) error {
	_, err := e.VolumeRemove(ctx, noteName(project, key), client.VolumeRemoveOptions{})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove the volume %s: %w", noteName(project, key), err)
	}
	return nil
}

// noteName is one that Compose would give.
func noteName(project, key string) string { return project + "_" + key }
