package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	psnet "github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/etcdctr/etcdctr/internal/listening"
)

// checkPorts reports every address of the members that something else listens
// on, and what that is.
func checkPorts(ctx context.Context, members []Member) error {
	var errs []error
	for _, m := range members {
		for _, address := range slices.Sorted(maps.Keys(m.Addresses)) {
			if !listening.Taken(address) {
				continue
			}
			errs = append(errs, fmt.Errorf("%s, the %s of %s, is held by %s: stop that, or give %s another client-port",
				address, m.Addresses[address], m.Name, Holder(ctx, address), m.Name))
		}
	}
	return errors.Join(errs...)
}

// Holder names the process that listens on an address, such as "etcd (process
// 4711)", as far as this user may know.
func Holder(ctx context.Context, address string) string {
	const unknown = "a process of another user"
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return unknown
	}
	conns, err := psnet.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return unknown
	}
	for _, c := range conns {
		if c.Status == "LISTEN" && c.Pid != 0 && listensOn(c.Laddr, want) {
			return describe(ctx, c.Pid)
		}
	}
	return unknown
}

func listensOn(have psnet.Addr, want netip.AddrPort) bool {
	ip, err := netip.ParseAddr(have.IP)
	return err == nil && have.Port == uint32(want.Port()) && (ip.IsUnspecified() || ip.Unmap() == want.Addr().Unmap())
}

// Listening gives the addresses that a process listens on.
func Listening(ctx context.Context, pid int) ([]string, error) {
	if pid == 0 { // which would stand for all processes
		return nil, nil
	}
	conns, err := psnet.ConnectionsPidWithContext(ctx, "tcp", int32(pid))
	if err != nil {
		return nil, fmt.Errorf("cannot see what process %d listens on: %w", pid, err)
	}
	if len(conns) == 0 { // or whose process it is does not let it be seen
		if err := mayLook(ctx, int32(pid)); err != nil {
			return nil, fmt.Errorf("cannot see what process %d listens on: %w", pid, err)
		}
	}
	var addresses []string
	for _, c := range conns {
		if c.Status == "LISTEN" {
			addresses = append(addresses, net.JoinHostPort(c.Laddr.IP, fmt.Sprint(c.Laddr.Port)))
		}
	}
	return addresses, nil
}

// mayLook is an error where this user may not see what a process has open.
func mayLook(ctx context.Context, pid int32) error {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err == nil {
		_, err = p.NumFDsWithContext(ctx)
	}
	return err
}

// describe names a process by the name that it was called by, which for the
// etcd inside another binary is more telling than the file's.
func describe(ctx context.Context, pid int32) string {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return fmt.Sprintf("process %d", pid)
	}
	name, err := p.NameWithContext(ctx)
	if args, errArgs := p.CmdlineSliceWithContext(ctx); errArgs == nil && len(args) > 0 {
		name, err = args[0][strings.LastIndexAny(args[0], `/\`)+1:], nil
	}
	if err != nil || name == "" {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("%s (process %d)", name, pid)
}
