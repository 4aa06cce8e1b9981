package cluster

import (
	"fmt"
	"slices"
)

// Key is a key of the cluster file for which the command line has a flag of the same
// name, and what it says, for people.
type Key struct{ Name, What string }

// ReleaseExample shows the two ways to name a release.
var ReleaseExample = fmt.Sprintf("%s or 3.%d", DefaultVersion, NewestMinor-1)

// OwnImage is the name of etcdctr's own image, which has a DNS server among others.
const OwnImage = "etcdctr/relay:latest"

var keys = []Key{
	{"name", "name of the cluster and of its Compose project (default etcd)"},
	{"members", "how many members, 1 to 9 (default 3)"},
	{"etcd", "etcd release, such as " + ReleaseExample + " (default " + DefaultVersion.String() + ")"},
	{"image", "image to run (default " + OfficialImage + ":RELEASE)"},
	{"bootstrap", ClosedChoiceOf("bootstrap").String()},
	{"tls", ClosedChoiceOf("tls").String()},
	{"profile", ClosedChoiceOf("profile").String()},
	{"publish", ClosedChoiceOf("publish").String()},
	{"client-port", "auto: client ports by the cluster's name, where nobody is in the way (default 2379, 2479, 2579, …)"},
	{"subnet", "fixed addresses from this subnet for the members, such as 10.89.1.0/24 (default one that is free, with dns)"},
	{"discovery-endpoints", "URLs of an existing v3 discovery service (default one in the stack)"},
	{"discovery-url", "existing v2 discovery service, for etcd 3.5 and 3.6: URL that ends in the token"},
	{"discovery-token", "token at the discovery service (default a fresh one, in the stack)"},
	{"discovery-cacert", "authority of an existing discovery service"},
	{"discovery-cert", "certificate for an existing discovery service"},
	{"discovery-key", "private key of that certificate"},
	{"discovery-user", "user at an existing discovery service"},
	{"discovery-password-file", "file with that user's password"},
	{"discovery-network", "Docker network that an existing discovery service is on (default one that leads out)"},
	{"discovery-domain", "domain of the DNS records (default NAME.internal)"},
	{"discovery-srv-name", "suffix of the service in the DNS records"},
	{"dns-image", "image of the stack's DNS server (default " + DefaultDNSImage + "; " + OwnImage + ": etcdctr's own)"},
	{"monitoring", "put a Prometheus beside the members, on their network"},
	{"prometheus-image", "image of the stack's Prometheus (default " + DefaultPrometheusImage + ")"},
	{"prometheus-port", "port of the stack's Prometheus on 127.0.0.1 (default none)"},
}

// Keys lists those that a cluster is described by, the usual ones first.
func Keys() []Key { return slices.Clone(keys) }
