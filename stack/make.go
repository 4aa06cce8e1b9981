package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// This file is the one that knows in what engines that speak Docker's API differ.

// Make is whose engine it is.
type Make struct {
	Name    string // as people call it
	Version string
	// Rootless says that Podman runs as somebody who is not root. Docker says so
	// elsewhere.
	Rootless bool

	hostname string // of the machine that Podman runs on; Docker is asked elsewhere

	lacks []Lack
}

// Lack is something of Docker Engine's that another engine does not do.
type Lack string

// What others lack.
const (
	// NamesBesideServers: a container that is given DNS servers asks these and
	// not its network's own server any more, so that it does not find the others.
	NamesBesideServers Lack = "names beside dns"
	// Timers: health checks are run by systemd, and where that is not the first
	// process by nobody.
	Timers Lack = "health checks by itself"
	// Masquerading: a network's option against it is dropped, so that whoever is
	// on a network that publishes ports gets out.
	Masquerading Lack = "networks that lead nowhere and publish ports"
	// AfterBoot: containers that are to run unless they were stopped are not
	// started with the machine.
	AfterBoot Lack = "unless-stopped after a boot"
	// StartIntervals: a health check has one interval for all its time. They came with
	// version 1.44 of the API, which is Docker Engine 25.
	StartIntervals Lack = "start intervals"
)

// Podman is what its engine is called.
const Podman = "Podman"

// lacks are those of each make. Docker Engine of today lacks nothing by definition.
var lacks = map[string][]Lack{
	Podman: {NamesBesideServers, Timers, Masquerading, AfterBoot},
}

// firstStartIntervals is the version of the API that has them.
const firstStartIntervals = "1.44"

// Lacks reports whether an engine of this make does not do something.
func (m Make) Lacks(l Lack) bool { return slices.Contains(m.lacks, l) }

func (m Make) String() string { return m.Name + " " + m.Version }

// ErrCNI is the error of Podman with the networks of its first years, where no
// name is known on a network that leads nowhere.
var ErrCNI = errors.New(`it has its networks made by CNI plugins, and there members do not find each other: ` +
	`set network_backend = "netavark" below [network] in containers.conf, and run podman system reset`)

// AskMake asks an engine what it is. One that can't be used is an error.
func AskMake(ctx context.Context, e Locatable) (Make, error) {
	v, err := e.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return Make{}, fmt.Errorf("ask the engine what it is: %w", err)
	}
	m := Make{Name: "Docker Engine", Version: v.Version}
	for _, part := range v.Components {
		if part.Name == "Podman Engine" {
			m = Make{Name: Podman, Version: part.Version, lacks: lacks[Podman]}
		}
	}
	if v.APIVersion != "" && versions.LessThan(v.APIVersion, firstStartIntervals) {
		m.lacks = append(slices.Clone(m.lacks), StartIntervals)
	}
	if m.Name != Podman {
		return m, nil
	}
	host, err := podmanHost(ctx, e)
	m.Rootless, m.hostname = host.Security.Rootless, host.Hostname
	if err == nil && host.NetworkBackend == "cni" {
		err = ErrCNI
	}
	if err != nil {
		return m, fmt.Errorf("%s can't be used: %w", m, err)
	}
	return m, nil
}
