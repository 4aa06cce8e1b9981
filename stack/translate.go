package stack

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// This file is for programs that make a project's objects by means of their
// own, as a test fixture does, and want them to be those that PlanApply makes.
// Names and labels aside, they are.

// Translation is what a service's container is created from.
type Translation struct {
	Name   string // as Compose gives it
	Config container.Config
	Host   container.HostConfig
	// Networks are the container's, the one with the highest priority first,
	// and Endpoints its places there.
	Networks  []string
	Endpoints map[string]*network.EndpointSettings
}

// Translate translates a service. Labels are the service's own.
func (w Wanted) Translate(s types.ServiceConfig) (*Translation, error) {
	if err := checkService(s); err != nil {
		return nil, err
	}
	name := w.containerName(s)
	made, err := w.creation(s, name)
	if err != nil {
		return nil, err
	}
	if len(made.inject) > 0 {
		return nil, fmt.Errorf("services.%s.configs: only those with file: are supported here", s.Name)
	}
	t := &Translation{Name: name, Config: made.container, Host: made.host, Endpoints: map[string]*network.EndpointSettings{}}
	t.Config.Labels = s.Labels
	for _, e := range made.endpoints {
		t.Networks = append(t.Networks, e.network)
		t.Endpoints[e.network] = e.settings
	}
	return t, nil
}

// NetworkOptions translates a network.
func NetworkOptions(n types.NetworkConfig) (client.NetworkCreateOptions, error) {
	ipam, err := ipam(n.Ipam)
	return client.NetworkCreateOptions{
		Driver: n.Driver, Options: n.DriverOpts, IPAM: ipam, Labels: n.Labels,
		Internal: n.Internal, Attachable: n.Attachable,
		EnableIPv4: n.EnableIPv4, EnableIPv6: n.EnableIPv6,
	}, err
}

// FileVolume is a volume that stands for local files, with CopyFiles.
type FileVolume struct {
	Name  string
	files *transfer
}

// FileVolumes are those that a service mounts.
func (w Wanted) FileVolumes(s types.ServiceConfig) ([]FileVolume, error) {
	transfers, err := w.transfers(s)
	var all []FileVolume
	for _, t := range transfers {
		all = append(all, FileVolume{t.volume, t})
	}
	return all, err
}

// Fill copies the files into the volume, which has to exist, as has the image
// of the service that mounts it. The labels are those of a container that is
// there for as long as it copies.
func (v FileVolume) Fill(ctx context.Context, e Engine, labels map[string]string) error {
	v.files.labels = labels
	if err := v.files.run(ctx, e); err != nil {
		return fmt.Errorf("cannot copy %s to the engine: %w", v.files.source, err)
	}
	return nil
}
