package stack

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// An engine finds at the start that a port is taken, when the container before is gone: that
// one comes back as it was.
func TestAContainerWhoseReplacementDoesNotStartIsPutBack(t *testing.T) {
	e := running(t, three)
	w := wanted(t, changed)
	before := observe(t, e)
	old, there := w.Current(before, "etcd1")
	if !there {
		t.Fatal("there is no etcd1")
	}
	was, err := e.ContainerInspect(t.Context(), old.ID, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	was.Container.HostConfig = &container.HostConfig{}
	e.before = func(call string) error {
		if strings.HasPrefix(call, "start") {
			return errors.New("address already in use")
		}
		return nil
	}
	if err := apply(t.Context(), e, w, "etcd1"); err == nil {
		t.Fatal("nothing failed")
	}
	e.before = pass
	if err := PutBack(t.Context(), e, w, old, was.Container); err != nil {
		t.Fatal(err)
	}
	now, there := w.Current(observe(t, e), "etcd1")
	if !there || now.Name != old.Name || now.ConfigHash != old.ConfigHash || now.ID == old.ID {
		t.Errorf("there is %+v, want one as %+v", now, old)
	}
}

// Podman tells limits by the kernel's names, which it takes from nobody, and not which
// addresses were asked for.
func TestWhatPodmanTellsOtherwiseIsPutBackAsItWasAskedFor(t *testing.T) {
	limits := ulimitsOf([]*container.Ulimit{{Name: "RLIMIT_NOFILE", Soft: 1024, Hard: 4096}})
	if len(limits) != 1 || limits[0].Name != "nofile" || limits[0].Soft != 1024 || limits[0].Hard != 4096 {
		t.Errorf("limits are %v", limits)
	}
	asked := &network.EndpointIPAMConfig{IPv4Address: netip.MustParseAddr("10.0.0.12")}
	was := []endpoint{{"p_cluster", &network.EndpointSettings{}}, {"p_loopback", &network.EndpointSettings{}}}
	wanted := []endpoint{{"p_loopback", &network.EndpointSettings{}}, {"p_cluster", &network.EndpointSettings{IPAMConfig: asked}}}
	if got := addressed(was, wanted); got[0].settings.IPAMConfig != asked || got[1].settings.IPAMConfig != nil {
		t.Errorf("asked for is %v and %v", got[0].settings.IPAMConfig, got[1].settings.IPAMConfig)
	}
}
