package compose

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// header tells what the file is and how to change it.
func header(c *cluster.Cluster, version1 bool) string {
	if c.Runtime == cluster.Swarm {
		return stackHeader(c)
	}
	if c.SpansMachines() {
		return machineHeader(c, c.Members[0])
	}
	if version1 {
		return version1Header(c)
	}
	return fmt.Sprintf(`# %s
#
#   docker compose up -d --wait
#   docker compose exec %s etcdctl endpoint health --cluster
#%s
# Takes Docker Compose 2.20.2 or later%s.
# Made by etcdctr: to change it, change the cluster file or the flags and make it again.

`, summary(c), c.Members[0].Name, checks(c), engine(c))
}

// engine tells what a file with start intervals takes.
func engine(c *cluster.Cluster) string {
	if c.Upkeep.Health.NoStartInterval {
		return ""
	}
	return "; version 2 of it also takes Docker Engine 25"
}

// summary is the cluster in a sentence.
func summary(c *cluster.Cluster) string {
	size := fmt.Sprintf("%d members", len(c.Members))
	if len(c.Members) == 1 {
		size = "1 member"
	}
	return fmt.Sprintf("etcd %s, %s: %s, %s.", c.Etcd, size, tlsWords[c.TLS], publishedPorts(c))
}

// checks tells where nobody is healthy whom the command above waits for.
func checks(c *cluster.Cluster) string {
	if len(c.HostsFile()) == 0 {
		return ""
	}
	return `
# This file is for Podman, where systemd runs health checks: on a machine without it
# nobody does, and --wait and what waits for a healthy service never end. And
# docker compose up makes all members anew there, each time and all at once. etcdctr up
# runs the checks, and leaves alone what is as described.
#`
}

// machineHeader is the header of one machine's part. It does not wait for the
// member to be healthy: that takes the other machines.
func machineHeader(c *cluster.Cluster, m cluster.Member) string {
	return fmt.Sprintf(`# etcd %[1]s, %[2]s of the cluster %[3]s, on the machine %[4]s: %[5]s, ports on
# that address only.
#
#   docker compose up -d
#   docker compose exec %[2]s etcdctl endpoint health
#
# Takes Docker Compose 2.20.2 or later. Made by etcdctr: to change it, change the
# cluster file or the flags and make it again.

`, c.Etcd, m.Name, c.Name, m.Host, tlsWords[c.TLS])
}

var tlsWords = map[cluster.TLSMode]string{
	cluster.Mutual:  "mutual TLS",
	cluster.AutoTLS: "auto-TLS (encrypted, not authenticated)",
	cluster.NoTLS:   "plain text",
}

// publishedPorts says which there are, and where.
func publishedPorts(c *cluster.Cluster) string {
	words := "no port is published"
	if c.Publish.Opens() {
		words = fmt.Sprintf("clients on %s only", c.Members[0].Published().Addr())
	}
	if c.Monitoring == nil || c.Monitoring.Port == 0 {
		return words
	}
	if !c.Publish.Opens() {
		words = "no port of theirs is published"
	}
	return fmt.Sprintf("%s, Prometheus on 127.0.0.1:%d only", words, c.Monitoring.Port)
}

// remarks stand behind a key of a service. They are for values that a reader
// would otherwise wonder about.
var remarks = map[string]string{
	"user":    "root with one capability, the one below, whatever the image says",
	"cap_add": "reads the keys, which on the host only their owner may read",
}

// variableRemarks stand behind a variable.
var variableRemarks = map[string]string{
	"ETCD_LISTEN_CLIENT_URLS":    "all addresses of the container, none of the host",
	"ETCD_INITIAL_CLUSTER_STATE": "matters at the first start only: later ones go by the data",
	"ETCD_LISTEN_METRICS_URLS":   "/metrics and /health, without a certificate",
	"ETCD_AUTO_TLS":              "makes up a certificate: encrypted, not authenticated",
	"ETCD_DISCOVERY_TOKEN":       "this cluster's, and no other's",
	"ETCD_UNSAFE_NO_FSYNC":       "fast, and the data does not survive a crash of the host",
}

// anyAddress finds a URL that listens on every address.
var anyAddress = regexp.MustCompile(`//(0\.0\.0\.0|\[::\]):`)

// groupHeads stand above the first variable of a group.
var groupHeads = map[string]string{
	"ETCD_CERT_FILE":      "The client port opens to certificates of the client authority,",
	"ETCD_PEER_CERT_FILE": "the peer port to those of the peer authority only.",
	"ETCDCTL_CACERT":      "For etcdctl in the container, so that it needs no flags.",

	noProxyVariable: "A proxy that Docker's configuration names is not for the stack's own names.",

	"ETCDCTL_INSECURE_SKIP_TLS_VERIFY": "For etcdctl in the container: nobody can verify a made-up certificate.",
}

// serviceHeads stand above the services that a stack has besides its members.
var serviceHeads = map[string]string{
	cluster.DNSServerName:       "Knows every member's address before any member starts.",
	cluster.PrometheusName:      "Scrapes the members, and tells by its alerts what is the matter.",
	cluster.DiscoveryServerName: "Where members find each other at their first start, and never again.",
	cluster.DiscoveryOpenName:   "Says how many members the token is for. They wait for it.",
	cluster.BackupName:          "Takes backups at their times. Its image is etcdctr's own: `etcdctr up` puts it on\n# the engine.",
	cluster.DiscoveryGuardName: "Closes the token once all members are up, and again whenever it is opened: a\n" +
		"# member that lost its data and came back under it would break.",
}

// comment puts comments where a value surprises.
func comment(root *yaml.Node, members []*yaml.Node, c *cluster.Cluster) {
	head(root, "x-member", "What all members have in common.")
	head(root, "x-environment", "What all members are told.")
	services := append([]*yaml.Node{get(root, "x-member")}, members...)
	for _, s := range services {
		remarkAll(s, remarks)
		if c.TLS != cluster.Mutual {
			remark(s, "cap_add", "reads the data, which on the host only its owner may read")
		}
		commentVariables(get(s, "environment"))
		remark(get(s, "healthcheck"), "test", "exec form: the image has no shell")
		if dns := get(s, "dns"); dns != nil && len(dns.Content) == 1 && dns.Content[0].Value == nowhere {
			remark(s, "dns", "no names are looked up but the stack's, and who is not there is not waited for")
		}
	}
	commentVariables(get(root, "x-environment"))
	for name, text := range serviceHeads {
		head(get(root, "services"), name, text)
	}
	if c.Protect {
		head(root, "volumes", "Made by `etcdctr up`, or each by `docker volume create NAME`. What deletes the\n# project leaves them alone: `etcdctr down --volumes` deletes them.")
	}
	networks := get(root, "networks")
	remark(get(networks, ClusterNetwork), "internal", "no way in or out")
	remark(get(networks, ClusterNetwork), "ipam", "members have fixed addresses, others get one of ip_range")
	head(networks, DiscoveryNetwork, "The way to the discovery service.")
	head(networks, LoopbackNetwork, "Ports can't be published from an internal network; this one is for them. Without\n# masquerading, nothing that a member sends past the host is answered.")
}

func head(m *yaml.Node, key, text string) {
	if i := index(m, key); i >= 0 {
		m.Content[i].HeadComment = "# " + text
	}
}

func remarkAll(m *yaml.Node, texts map[string]string) {
	for key, text := range texts {
		remark(m, key, text)
	}
}

func commentVariables(env *yaml.Node) {
	remarkAll(env, variableRemarks)
	if listen := get(env, "ETCD_LISTEN_CLIENT_URLS"); listen != nil && !anyAddress.MatchString(listen.Value) {
		listen.LineComment = "# what its certificate is for"
	}
	if state := get(env, "ETCD_INITIAL_CLUSTER_STATE"); state != nil && state.Value == "existing" {
		state.LineComment = "# it has joined: another cluster comes of a file that is written in a folder of its own"
	}
	for key, text := range groupHeads {
		head(env, key, text)
	}
}

func remark(m *yaml.Node, key, text string) {
	i := index(m, key)
	if i < 0 {
		return
	}
	if v := m.Content[i+1]; v.Kind == yaml.ScalarNode || v.Style == yaml.FlowStyle {
		v.LineComment = "# " + text
		return
	}
	m.Content[i].HeadComment = "# " + text
}
