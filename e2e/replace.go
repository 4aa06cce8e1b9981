package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/moby/moby/client"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Replace gives the member's place to a new one of the same name, as after the
// loss of a machine: container and data go, the cluster forgets the member, and
// a new one joins and gets its data from the others. They have to be a
// majority. Ready tells when it has joined.
func (m *Member) Replace(ctx context.Context) error {
	if err := m.forget(ctx); err != nil {
		return fmt.Errorf("cannot remove %s from the cluster: %w", m.Name, err)
	}
	if err := m.emptyVolumes(ctx); err != nil {
		return err
	}
	if err := m.announce(ctx); err != nil {
		return fmt.Errorf("cannot add %s to the cluster: %w", m.Name, err)
	}
	if err := m.create(ctx); err != nil {
		return err
	}
	return m.firstStart(ctx)
}

// forget removes the member's container, and then the member from the cluster.
func (m *Member) forget(ctx context.Context) error {
	id, err := m.id(ctx)
	if err != nil {
		return err
	}
	if err := m.remove(ctx); err != nil {
		return err
	}
	return m.cluster.settled(ctx, func() error {
		_, err := m.cluster.Client.MemberRemove(ctx, id)
		return err
	})
}

func (m *Member) id(ctx context.Context) (uint64, error) {
	list, err := m.cluster.Client.MemberList(ctx)
	if err != nil {
		return 0, err
	}
	for _, member := range list.Members {
		if slices.Contains(member.PeerURLs, m.model.PeerURL()) {
			return member.ID, nil
		}
	}
	return 0, fmt.Errorf("the cluster has no member at %s", m.model.PeerURL())
}

// announce adds the member to the cluster, and has its next container join
// that cluster, however the first one found it.
func (m *Member) announce(ctx context.Context) error {
	var peers []string
	err := m.cluster.settled(ctx, func() error {
		added, err := m.cluster.Client.MemberAdd(ctx, []string{m.model.PeerURL()})
		if err != nil {
			return err
		}
		for _, member := range added.Members {
			name := cmp.Or(member.Name, m.Name) // one that has not started has none yet
			for _, url := range member.PeerURLs {
				peers = append(peers, name+"="+url)
			}
		}
		return nil
	})
	m.service.Environment = joining(m.service.Environment, strings.Join(peers, ","))
	return err
}

// settled makes a change of the membership once the cluster has a leader, and
// again for as long as the cluster refuses because its members have only just
// met: five seconds.
func (c *Cluster) settled(ctx context.Context, change func() error) error {
	if _, err := retry(ctx, c.Client, func(context.Context) error { return nil }); err != nil {
		return err
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := change()
		if err != nil && !errors.Is(err, rpctypes.ErrUnhealthy) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(250*time.Millisecond)), backoff.WithMaxElapsedTime(readyTimeout))
	return err
}

// emptyVolumes makes the member's own volumes anew. Those of its certificates
// stay.
func (m *Member) emptyVolumes(ctx context.Context) error {
	for _, v := range m.service.Volumes {
		known, ok := m.cluster.project.Volumes[v.Source]
		if !ok {
			continue
		}
		if _, err := m.cluster.engine().VolumeRemove(ctx, known.Name, client.VolumeRemoveOptions{}); err != nil {
			return err
		}
		if err := m.cluster.makeVolume(ctx, known); err != nil {
			return err
		}
	}
	return nil
}
