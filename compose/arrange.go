package compose

import (
	"net"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file makes a marshalled project pleasant to read: keys in an order that
// tells a story, what all members share said once, a comment where a value
// surprises. It changes nothing that Compose would notice.

// topOrder and serviceOrder are the orders that a reader would expect: what it
// is, how it is set up, where its data is, who reaches it, how it is kept.
var (
	topOrder     = []string{"name", "x-member", "x-environment", "services", "networks", "volumes", "secrets", "configs"}
	serviceOrder = []string{
		"<<", "image", "command", "hostname", "user", "read_only", "cap_drop", "cap_add", "security_opt",
		"environment", "env_file", "secrets", "configs", "volumes", "networks", "dns", "dns_search", "dns_opt", "extra_hosts", "ports", "depends_on", "healthcheck",
		"deploy", "restart", "stop_grace_period", "logging", "labels",
	}
	mountOrder  = []string{"type", "source", "target", "read_only", "bind"}
	deployOrder = []string{"placement", "endpoint_mode", "update_config", "restart_policy", "labels"}
	givenOrder  = []string{"source", "target", "uid", "gid", "mode"}
	checkOrder  = []string{"test", "start_period", "start_interval", "interval", "timeout", "retries"}
)

func arrange(root *yaml.Node, c *cluster.Cluster) {
	services := get(root, "services")
	for _, s := range values(services) {
		tidyService(s)
	}
	var members []*yaml.Node
	for _, m := range c.Members {
		s := get(services, m.Name)
		sortKeys(get(s, "environment"), variableNames(m))
		members = append(members, s)
	}
	if c.Discovery != nil && c.Discovery.Server != nil {
		sortKeys(get(get(services, cluster.DiscoveryServerName), "environment"), variableNames(*c.Discovery.Server))
	}
	sortKeys(services, serviceNames(c))
	if len(members) > 1 {
		share(root, members)
	}
	sortKeys(root, topOrder)
	tidyNetworks(root)
	comment(root, members, c)
}

// serviceNames gives the services in the order that they start in.
func serviceNames(c *cluster.Cluster) []string {
	names := []string{cluster.DNSServerName, cluster.DiscoveryServerName, cluster.DiscoveryOpenName}
	for _, m := range c.Members {
		names = append(names, m.Name)
	}
	return append(names, cluster.DiscoveryGuardName, cluster.PrometheusName, cluster.BackupName)
}

func variableNames(m cluster.Member) []string {
	vars := m.Variables()
	names := make([]string, len(vars))
	for i, v := range vars {
		names[i] = v.Name
	}
	return names
}

// tidyService orders one service's keys and takes the short forms that people
// write.
func tidyService(s *yaml.Node) {
	sortKeys(s, serviceOrder)
	sortKeys(get(s, "healthcheck"), checkOrder)
	sortKeys(get(get(s, "logging"), "options"), []string{"max-size", "max-file"})
	for _, key := range []string{"command", "cap_drop", "cap_add", "dns", "dns_search", "dns_opt"} {
		flow(get(s, key))
	}
	flow(get(get(s, "healthcheck"), "test"))
	tidyDeploy(s)
	if v := get(s, "volumes"); v != nil {
		for i, mount := range v.Content {
			v.Content[i] = tidyMount(mount)
		}
	}
	tidyLinks(s)
	if p := get(s, "ports"); p != nil {
		for i, port := range p.Content {
			p.Content[i] = shortPort(port)
		}
	}
	if e := get(s, "env_file"); e != nil {
		set(s, "env_file", shortEnvFiles(e))
	}
}

// tidyDeploy does the same for what only a swarm has.
func tidyDeploy(s *yaml.Node) {
	deploy := get(s, "deploy")
	sortKeys(deploy, deployOrder)
	flow(get(get(deploy, "placement"), "constraints"))
	flow(get(deploy, "update_config"))
	flow(get(deploy, "restart_policy"))
	for _, key := range []string{"secrets", "configs"} {
		for _, given := range items(get(s, key)) {
			sortKeys(given, givenOrder)
			flow(given)
		}
	}
}

// tidyMount takes the short form for a named volume. A bind mount keeps the
// long one: in the short form the engine would make up a missing folder.
func tidyMount(mount *yaml.Node) *yaml.Node {
	if get(mount, "type").Value == "volume" {
		return scalar(get(mount, "source").Value + ":" + get(mount, "target").Value)
	}
	sortKeys(mount, mountOrder)
	flow(get(mount, "bind"))
	return mount
}

// tidyLinks shortens what ties a service to others: networks without a fixed
// address to a list, conditions to one line each.
func tidyLinks(s *yaml.Node) {
	networks := get(s, "networks")
	if networks != nil && !slices.ContainsFunc(networks.Content, isMapping) {
		set(s, "networks", keyList(networks))
	}
	for _, n := range values(networks) {
		flow(n)
	}
	for _, d := range values(get(s, "depends_on")) {
		remove(d, "required") // true, as by default
		flow(d)
	}
}

// keyList turns networks that carry no options into a list of their names.
func keyList(m *yaml.Node) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for i := 0; i < len(m.Content); i += 2 {
		list.Content = append(list.Content, scalar(m.Content[i].Value))
	}
	return list
}

func shortPort(p *yaml.Node) *yaml.Node {
	short := scalar(net.JoinHostPort(get(p, "host_ip").Value, get(p, "published").Value) + ":" + get(p, "target").Value)
	short.Style = yaml.DoubleQuotedStyle
	return short
}

func shortEnvFiles(list *yaml.Node) *yaml.Node {
	short := &yaml.Node{Kind: yaml.SequenceNode}
	for _, e := range list.Content {
		short.Content = append(short.Content, scalar(get(e, "path").Value))
	}
	return short
}

// tidyNetworks drops what Compose would fill in by itself.
func tidyNetworks(root *yaml.Node) {
	if v := get(root, "volumes"); v != nil {
		for i := 1; i < len(v.Content); i += 2 {
			if len(v.Content[i].Content) == 0 {
				v.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
			}
		}
	}
}

// share moves what every member has in common into anchors.
func share(root *yaml.Node, members []*yaml.Node) {
	if envs := environments(members); !alike(envs) { // otherwise they are shared with the rest
		if env := shareMaps(root, "environment", "x-environment", envs); env != nil {
			for _, m := range envs {
				merge(m, env)
			}
		}
	}
	if common := shareMaps(root, "member", "x-member", members); common != nil {
		for _, m := range members {
			merge(m, common)
		}
	}
}

func environments(members []*yaml.Node) []*yaml.Node {
	var envs []*yaml.Node
	for _, m := range members {
		if e := get(m, "environment"); e != nil {
			envs = append(envs, e)
		}
	}
	return envs
}

// shareMaps takes the pairs that are the same in all maps out of them, puts
// them under key in root, anchored, and gives the anchored map; nil when there
// is nothing to share.
func shareMaps(root *yaml.Node, anchor, key string, maps []*yaml.Node) *yaml.Node {
	if len(maps) == 0 {
		return nil
	}
	common := &yaml.Node{Kind: yaml.MappingNode, Anchor: anchor}
	first := maps[0]
	for i := 0; i < len(first.Content); i += 2 {
		k, v := first.Content[i], first.Content[i+1]
		if everywhere(maps, k.Value, v) {
			common.Content = append(common.Content, k, v)
		}
	}
	if len(common.Content) == 0 {
		return nil
	}
	for _, m := range maps {
		for i := 0; i < len(common.Content); i += 2 {
			remove(m, common.Content[i].Value)
		}
	}
	root.Content = append(root.Content, scalar(key), common)
	return common
}

func everywhere(maps []*yaml.Node, key string, want *yaml.Node) bool {
	return !slices.ContainsFunc(maps, func(m *yaml.Node) bool {
		got := get(m, key)
		return got == nil || !equal(got, want)
	})
}

func equal(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.Tag == b.Tag &&
		slices.EqualFunc(a.Content, b.Content, equal)
}

// merge puts `<<: *anchor` first in m.
func merge(m, common *yaml.Node) {
	pair := []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: "<<"},
		{Kind: yaml.AliasNode, Value: common.Anchor, Alias: common},
	}
	m.Content = append(pair, m.Content...)
}

// alike reports whether all maps are the same.
func alike(maps []*yaml.Node) bool {
	return !slices.ContainsFunc(maps, func(m *yaml.Node) bool { return !equal(m, maps[0]) })
}

// sortKeys puts the keys of m in the given order; others keep theirs, behind.
func sortKeys(m *yaml.Node, order []string) {
	if m == nil {
		return
	}
	rank := func(key string) int {
		if i := slices.Index(order, key); i >= 0 {
			return i
		}
		return len(order)
	}
	var pairs [][2]*yaml.Node
	for i := 0; i < len(m.Content); i += 2 {
		pairs = append(pairs, [2]*yaml.Node{m.Content[i], m.Content[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b [2]*yaml.Node) int { return rank(a[0].Value) - rank(b[0].Value) })
	m.Content = m.Content[:0]
	for _, p := range pairs {
		m.Content = append(m.Content, p[0], p[1])
	}
}

func index(m *yaml.Node, key string) int {
	if m == nil || m.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// get gives a key's value, nil when m has no such key.
func get(m *yaml.Node, key string) *yaml.Node {
	i := index(m, key)
	if i < 0 {
		return nil
	}
	return m.Content[i+1]
}

// values gives what the keys of m stand for.
func values(m *yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	if m != nil && m.Kind == yaml.MappingNode {
		for i := 1; i < len(m.Content); i += 2 {
			list = append(list, m.Content[i])
		}
	}
	return list
}

func isMapping(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

func set(m *yaml.Node, key string, value *yaml.Node) {
	if i := index(m, key); i >= 0 {
		m.Content[i+1] = value
	}
}

func remove(m *yaml.Node, key string) {
	if i := index(m, key); i >= 0 {
		m.Content = slices.Delete(m.Content, i, i+2)
	}
}

func scalar(value string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(value)
	return n
}

func flow(n *yaml.Node) {
	if n != nil {
		n.Style = yaml.FlowStyle
	}
}

// space puts an empty line before each top-level key and each service, which
// the YAML writer can't.
func space(file []byte) []byte {
	var b strings.Builder
	previous, inServices := "", false
	for line := range strings.Lines(string(file)) {
		top := !strings.HasPrefix(line, " ")
		nested := strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ")
		if top && !strings.HasPrefix(line, "#") {
			inServices = strings.HasPrefix(line, "services:")
		}
		follows := strings.HasPrefix(strings.TrimSpace(previous), "#") || strings.HasPrefix(previous, "services:")
		if previous != "" && (top || nested && inServices) && !follows {
			b.WriteString("\n")
		}
		b.WriteString(line)
		previous = line
	}
	return []byte(b.String())
}
