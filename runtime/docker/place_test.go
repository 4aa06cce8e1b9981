package docker

import (
	"net"
	"net/netip"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestMembersAreOnASubnetThatNeitherTheEngineNorTheMachineHas(t *testing.T) {
	attempt := func(n int) netip.Prefix { return cluster.DefaultSubnet("orders", n) }
	machine := &net.IPNet{IP: attempt(1).Addr().Next().AsSlice(), Mask: net.CIDRMask(24, 32)}
	others := append([]taken{{attempt(0), "billing_cluster"}}, onMachine([]net.Addr{machine}, nil)...)
	if got, want := freeSubnet("orders", nil, others), attempt(2).String(); got != want {
		t.Errorf("the subnet is %s, want %s", got, want)
	}
	own := []netip.Prefix{attempt(1)} // its own bridge is the machine's, too
	if got, want := freeSubnet("orders", own, others), attempt(1).String(); got != want {
		t.Errorf("the subnet that it is on is %s, want %s", got, want)
	}
}
