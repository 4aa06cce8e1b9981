package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// This file is the one that knows in what engines that speak Docker's API differ.

// Make is whose engine it is.
type Make struct {
	Name    string // as people call it
	Version string

	lacks []Lack
	host  *podmanHost // nil where it is not Podman
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
	// Ranges: of a network it is not said from which part of it containers without an
	// address of their own get theirs.
	Ranges Lack = "ranges of networks"
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
	Podman: {NamesBesideServers, Timers, Masquerading, Ranges, AfterBoot},
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

// AskMake asks an engine what it is. In the header of a ping it says so at once. Asked
// for its version, Docker Engine runs other programs to have theirs, and Podman looks
// for the packages of all that it runs, which takes it longer than most commands.
func AskMake(ctx context.Context, e Locatable) (Make, error) {
	s, err := askServer(ctx, e)
	if err != nil || !s.known() { // what is between here and the engine may keep headers to itself
		if s, err = askVersion(ctx, e); err != nil {
			return Make{}, fmt.Errorf("ask the engine what it is: %w", err)
		}
	}
	m := Make{Name: "Docker Engine", Version: s.version}
	if s.product == libpodProduct {
		m = Make{Name: Podman, Version: s.version, lacks: lacks[Podman], host: &podmanHost{}}
	}
	if s.api != "" && versions.LessThan(s.api, firstStartIntervals) {
		m.lacks = append(slices.Clone(m.lacks), StartIntervals)
	}
	return m, nil
}

// IsPodman reports whether an engine says at a ping that it is Podman.
func IsPodman(ctx context.Context, engine any) bool {
	s, err := askServer(ctx, engine)
	return err == nil && s.product == libpodProduct
}

// CheckNetworks refuses an engine on whose networks members don't find each other.
func CheckNetworks(ctx context.Context, e Locatable, m Make) error {
	if m.host == nil {
		return nil
	}
	info, err := m.host.ask(ctx, e)
	if err == nil && info.NetworkBackend == "cni" {
		err = ErrCNI
	}
	if err != nil {
		return fmt.Errorf("%s can't be used: %w", m, err)
	}
	return nil
}

// server is what an engine calls itself.
type server struct{ product, version, api string }

// Products are called so in the header Server.
const (
	dockerProduct = "Docker"
	libpodProduct = "Libpod"
)

func (s server) known() bool { return s.product == dockerProduct || s.product == libpodProduct }

// askServer asks by a ping. The header is "Docker/20.10.24 (linux)", or
// "Libpod/4.3.1 (linux)".
func askServer(ctx context.Context, engine any) (server, error) {
	res, err := ask(ctx, engine, http.MethodHead, "/_ping")
	if err != nil {
		return server{}, err
	}
	res.Body.Close()
	name, _, _ := strings.Cut(res.Header.Get("Server"), " ")
	product, version, _ := strings.Cut(name, "/")
	return server{product, version, res.Header.Get("Api-Version")}, nil
}

func askVersion(ctx context.Context, e Locatable) (server, error) {
	v, err := e.ServerVersion(ctx, client.ServerVersionOptions{})
	s := server{dockerProduct, v.Version, v.APIVersion}
	for _, part := range v.Components {
		if part.Name == "Podman Engine" {
			s.product, s.version = libpodProduct, part.Version
		}
	}
	return s, err
}
