package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/member"
)

// Replace gives the member's place to a new one of the same name, as after the
// loss of a machine: container and data go, the cluster forgets the member, and
// a new one joins and gets its data from the others. They have to be a
// majority. Ready tells when it serves clients.
func (m *Member) Replace(ctx context.Context) error {
	members, err := m.cluster.ask()
	if err != nil {
		return err
	}
	defer members.Close()
	if err := m.forget(ctx, members); err != nil {
		return fmt.Errorf("cannot remove %s from the cluster: %w", m.Name, err)
	}
	if err := m.emptyVolumes(ctx); err != nil {
		return err
	}
	if err := m.announce(ctx, members); err != nil {
		return fmt.Errorf("cannot add %s to the cluster: %w", m.Name, err)
	}
	if err := m.create(ctx); err != nil {
		return err
	}
	if err := m.firstStart(ctx); err != nil {
		return err
	}
	if members, err = m.cluster.ask(); err != nil { // it may listen elsewhere by now
		return err
	}
	defer members.Close()
	if err := members.Join(ctx, m.Name, nil); err != nil {
		return fmt.Errorf("cannot have %s join the cluster: %w", m.Name, err)
	}
	return nil
}

// forget removes the member's container, and then the member from the cluster.
func (m *Member) forget(ctx context.Context, members *member.Client) error {
	view, err := members.Look(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(view.Members, func(x member.Member) bool { return slices.Contains(x.PeerURLs, m.model.PeerURL()) })
	if i < 0 {
		return fmt.Errorf("the cluster has no member at %s", m.model.PeerURL())
	}
	if err := m.remove(ctx); err != nil {
		return err
	}
	return members.Remove(ctx, view.Members[i].ID)
}

// announce adds the member to the cluster, and has its next container join
// that cluster, however the first one found it.
func (m *Member) announce(ctx context.Context, members *member.Client) error {
	if _, err := members.AddLearner(ctx, m.model.PeerURL()); err != nil {
		return err
	}
	view, err := members.Look(ctx)
	if err != nil {
		return err
	}
	var peers []string
	for _, x := range view.Members {
		name := cmp.Or(x.Name, m.Name) // one that has not started has none yet
		for _, url := range x.PeerURLs {
			peers = append(peers, name+"="+url)
		}
	}
	m.service.Environment = joining(m.service.Environment, strings.Join(peers, ","))
	return nil
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
