package compose

import (
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// noProxyVariable lists the hosts that are reached without a proxy, all with "*".
const noProxyVariable = "NO_PROXY"

// proxyVariables are where a program in Go, such as etcd or etcdctl, looks for a
// proxy, in capitals and in small letters, the former first.
// Source: golang.org/x/net/http/httpproxy.
var proxyVariables = []string{"HTTP_PROXY", "HTTPS_PROXY", noProxyVariable}

// passProxiesBy keeps a service from going by a proxy that the file knows nothing
// of. Docker's clients put those of their config.json into every container that
// they make, and Podman those of its own environment; etcd's peers would ask the
// proxy for names that only the stack knows. One variable of the file suffices:
// it wins over the client's, and in capitals over one in small letters. What a
// user says of proxies stands as it is.
func passProxiesBy(s *types.ServiceConfig, users map[string]string, c *cluster.Cluster) {
	for name := range users {
		if slices.Contains(proxyVariables, strings.ToUpper(name)) {
			return
		}
	}
	hosts := withoutProxy(c)
	if hosts == "" {
		return
	}
	if s.Environment == nil {
		s.Environment = types.MappingWithEquals{}
	}
	s.Environment[noProxyVariable] = &hosts
}

// withoutProxy is everybody, but where the members register with a discovery
// service that is elsewhere, and may well be reached by a proxy alone. On
// machines of their own they do not know each other before that.
func withoutProxy(c *cluster.Cluster) string {
	d := c.Discovery
	if d == nil || d.Server != nil || d.Network != "" {
		return "*"
	}
	if c.SpansMachines() {
		return ""
	}
	var hosts []string
	for _, m := range c.Members {
		hosts = append(hosts, m.Place.Host)
	}
	return strings.Join(hosts, ",")
}
