package cluster

import (
	"net/netip"
	"strconv"
	"strings"
)

// etcd's own quota of the database where none is set, in bytes.
const defaultQuota = 2 * gibibyte

// Weakens tells whether a change of a property makes a cluster weaker: less
// closed, less durable, or with less room. Such a change has to be asked for by
// name. The names are those of etcd's settings, and published (ADDRESS:PORT->PORT,
// with a comma between two), data and profile.
func Weakens(name, was, is string) bool {
	switch name {
	case "quota-backend-bytes":
		return Quota(is) < Quota(was)
	case "unsafe-no-fsync":
		return was != "true" && is == "true"
	case "client-cert-auth", "peer-client-cert-auth":
		return was == "true" && is != "true"
	case "trusted-ca-file", "peer-trusted-ca-file", "client-crl-file", "peer-crl-file":
		return was != "" && is == ""
	case "published":
		return reach(is) > reach(was)
	case "data":
		return was == string(Volume) && is == string(Memory)
	case "profile":
		return was == Production && is != Production
	}
	return false
}

// How far programs may be from ports that they reach.
const (
	nobody = iota
	thisMachine
	nearby
	oneAddress
	everywhere
)

// reach tells from where a list of published ports is reached at most.
func reach(published string) int {
	if published == "" {
		return nobody
	}
	most := nobody
	for one := range strings.SplitSeq(published, ", ") {
		most = max(most, reachOf(one))
	}
	return most
}

// reachOf is reach for one port. Engines write all addresses as none, too, and what is
// no address is not known to keep anybody out.
func reachOf(port string) int {
	at, _, _ := strings.Cut(port, "->")
	address, err := netip.ParseAddr(at[:max(0, strings.LastIndexByte(at, ':'))])
	switch {
	case err != nil || address.IsUnspecified():
		return everywhere
	case address.IsLoopback():
		return thisMachine
	case address.IsPrivate() || address.IsLinkLocalUnicast():
		return nearby
	}
	return oneAddress
}

// Quota is what etcd makes of a value of its setting quota-backend-bytes, in bytes;
// negative for none.
func Quota(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return defaultQuota
	}
	return n
}
