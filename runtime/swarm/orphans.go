package swarm

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is for data of which a swarm knows nothing any more: a node that leaves it, as to
// begin another one, leaves services and note behind, and keeps its volumes.

// OrphanError is the error of a member that would begin empty beside data that one of its name
// has left on the node of the engine that is asked.
type OrphanError struct{ Server, Volume, Folder string }

func (e *OrphanError) Error() string {
	return fmt.Sprintf("%[1]s would begin empty, and a member %[1]s has left its data in the volume %[2]s on this node, of which the swarm knows nothing, as after `docker swarm leave`: "+
		"`etcdctr backup --data-dir %[3]s --output kept.tar.zst` keeps it, and `etcdctr restore kept.tar.zst` makes the cluster of it; `docker volume rm %[2]s` deletes what is not needed",
		e.Server, e.Volume, e.Folder)
}

// checkOrphans refuses to found a cluster of whose members data is on this node. Those of
// other nodes nobody can list.
func (r *Runtime) checkOrphans(ctx context.Context, t *target) error {
	if len(t.services) > 0 || len(t.note.homes) > 0 || len(t.note.staged) > 0 || t.cluster.Data == cluster.Memory {
		return nil
	}
	list, err := r.engine.VolumeList(ctx, client.VolumeListOptions{Filters: make(client.Filters).Add("name", t.name+"_")})
	if err != nil {
		return fmt.Errorf("list the volumes of this node: %w", err)
	}
	var errs []error
	for _, v := range list.Items {
		i := slices.IndexFunc(t.members, func(m member) bool { return mayBeOf(v.Name, t.name, m.Name) })
		if i < 0 || t.note.knows(t.members[i].Name, v.Name) {
			continue
		}
		m := t.members[i]
		data, err := r.lookHere(ctx, t.name, home{place{t.own, v.Name}, m.image}, path.Join(cluster.ContainerDataDir, "member", "wal"))
		if err == nil && data == runtime.Kept {
			below := strings.TrimPrefix(cluster.ContainerDataDir, cluster.ContainerVolumeDir)
			err = &OrphanError{m.Name, v.Name, path.Join(v.Mountpoint, below)}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mayBeOf tells whether a volume has a name that freshVolume gives.
func mayBeOf(volume, name, server string) bool {
	end, is := strings.CutPrefix(volume, name+"_"+compose.VolumeName(server)+"-")
	return is && len(end) == freshLetters
}
