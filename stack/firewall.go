package stack

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
)

// This file finds out whether a firewall stands between the containers of one network.

// bridgedCalls is 1 in it where iptables sees what devices of one bridge send each other:
// it is there once Docker Engine, Kubernetes or libvirt has loaded the module for it, and
// anybody may read it.
const bridgedCalls = "/proc/sys/net/bridge/bridge-nf-call-iptables"

// podmanBridges are the devices that Podman's networks are, as iptables takes them.
const podmanBridges = "podman+"

// Filtered gives the devices of an engine's networks, as iptables takes them, where what
// the containers of one network send each other passes the machine's firewall, and the
// engine does not tell that to let it pass. It is empty where that is otherwise, or can't
// be seen from here. Docker Engine has rules for all of its networks. Podman has some for
// those that lead somewhere; and what is left to the policy is dropped where Docker Engine
// runs beside it.
func Filtered(ctx context.Context, e Locatable, m Make) (string, error) {
	if m.host == nil {
		return "", nil
	}
	here, err := SeesFiles(ctx, e, m)
	if err != nil || !here {
		return "", err
	}
	info, err := m.host.ask(ctx, e)
	if err != nil {
		return "", err
	}
	calls, err := os.ReadFile(bridgedCalls)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return filtered(info, calls), err
}

// filtered goes by where Podman runs: as somebody who is not root it has a firewall of its
// own, which has no policy.
func filtered(info podmanInfo, calls []byte) string {
	if info.Security.Rootless || string(bytes.TrimSpace(calls)) != "1" {
		return ""
	}
	return podmanBridges
}
