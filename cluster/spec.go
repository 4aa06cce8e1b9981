package cluster

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Spec is what a user wrote: the cluster file, with the flags laid over it.
// Everything is optional, and scalars are kept as they were written, so that
// Resolve can report every mistake in the user's own words. The key of a field
// is its name in the file, on the command line and in messages.
type Spec struct {
	// Version of the file format. There is one: "1".
	Version string `key:"version"`
	// Name of the cluster: the Compose project, and the default token.
	Name string `key:"name"`
	// Etcd release, such as v3.7.3, or a minor such as 3.6.
	Etcd string `key:"etcd"`
	// Image reference; by default the official image of the release.
	Image string `key:"image"`
	// Runtime is what runs the members. Which words it, and other keys that are closed
	// choices, take is in ClosedChoices.
	Runtime string `key:"runtime"`
	// EtcdBinary is the etcd that processes run instead of the one inside
	// etcdctr. {minor} in it stands for 3.7, {release} for v3.7.3.
	EtcdBinary string `key:"etcd-binary"`
	// CertsDir is the folder of the cluster's certificates; by default certs.
	CertsDir string `key:"certs-dir"`
	// Members, as a number, one by one, or as names with their hosts.
	Members Members `key:"members"`
	// Profile names a set of defaults.
	Profile string `key:"profile"`
	// Bootstrap is how members find each other.
	Bootstrap string `key:"bootstrap"`
	// TLS is how connections are secured.
	TLS string `key:"tls"`
	// SelfSignedCertValidity is for how many years auto-TLS certificates are
	// good.
	SelfSignedCertValidity string `key:"self-signed-cert-validity"`
	// Publish says where clients outside the stack reach it.
	Publish string `key:"publish"`
	// ClientPort is auto, or empty: auto gives members that have none of their own
	// client ports by the cluster's name, so that clusters which start side by side
	// are in nobody's way, and moves them on where they are taken.
	ClientPort string `key:"client-port"`
	// Data is what keeps the data of members that have no place of their own.
	Data string `key:"data"`
	// Protect, true or false, keeps the members' volumes from being deleted together
	// with their containers: Docker Compose takes them for somebody else's.
	Protect string `key:"protect"`
	// Adopts names what the members' data comes from that something else has
	// started: a Compose project, containers or data folders. See package adopt.
	Adopts string `key:"adopts"`

	// Subnet of the members' network, as 10.89.1.0/24; a second one of the other
	// IP version may follow after a comma. Members then have fixed addresses.
	Subnet string `key:"subnet"`

	// An existing discovery service of the v3 protocol, by its URLs separated
	// by commas, or of v2, by one URL. Without either, the stack brings one.
	DiscoveryEndpoints string `key:"discovery-endpoints"`
	DiscoveryURL       string `key:"discovery-url"`
	// DiscoveryToken is the name of the new cluster at a discovery service.
	DiscoveryToken string `key:"discovery-token"`
	// What an existing discovery service is shown: files, and for etcdctr
	// itself a user whose password is in a file.
	DiscoveryCACert       string `key:"discovery-cacert"`
	DiscoveryCert         string `key:"discovery-cert"`
	DiscoveryKey          string `key:"discovery-key"`
	DiscoveryUser         string `key:"discovery-user"`
	DiscoveryPasswordFile string `key:"discovery-password-file"`
	// DiscoveryNetwork is the Docker network of an existing discovery service.
	DiscoveryNetwork string `key:"discovery-network"`

	// DiscoveryDomain is the domain of the DNS records; DiscoverySRVName a
	// suffix of their service, where a domain has several clusters.
	DiscoveryDomain  string `key:"discovery-domain"`
	DiscoverySRVName string `key:"discovery-srv-name"`
	// DNSImage is that of the stack's DNS server: CoreDNS, or etcdctr/relay:latest for
	// the server that etcdctr has itself.
	DNSImage string `key:"dns-image"`

	// Monitoring, true or false, puts a Prometheus beside members in containers.
	Monitoring string `key:"monitoring"`
	// PrometheusImage is what it runs, PrometheusPort where this machine finds it on
	// 127.0.0.1, and PrometheusRetention how long it keeps what it saw, such as 15d.
	PrometheusImage     string `key:"prometheus-image"`
	PrometheusPort      string `key:"prometheus-port"`
	PrometheusRetention string `key:"prometheus-retention"`

	// What etcd itself is told. The keys are etcd's own names; durations and
	// sizes carry their unit.
	InitialClusterToken     string `key:"initial-cluster-token"`
	HeartbeatInterval       string `key:"heartbeat-interval"`
	ElectionTimeout         string `key:"election-timeout"`
	QuotaBackendBytes       string `key:"quota-backend-bytes"`
	AutoCompactionMode      string `key:"auto-compaction-mode"`
	AutoCompactionRetention string `key:"auto-compaction-retention"`
	SnapshotCount           string `key:"snapshot-count"`
	ListenMetricsURLs       string `key:"listen-metrics-urls"`
	LogLevel                string `key:"log-level"`
	MaxLearners             string `key:"max-learners" etcd:"plain"`

	// Auth are etcd's users and roles; nil: they stay as they are.
	Auth *AuthSpec `key:"auth"`

	// Settings is any other setting of etcd, by its flag name without dashes.
	Settings map[string]string `key:"settings"`
	// Environment is any other variable of the members' containers.
	Environment map[string]string `key:"environment"`

	// Certs is how certificates are renewed.
	Certs CertsSpec `key:"certs"`

	// Backup is what is kept of the cluster's data, where and when.
	Backup BackupSpec `key:"backup"`

	// imageRelease is what Image was found to be; zero: nobody has asked it.
	imageRelease Version

	// source says where each key was written; nil for a Spec made in Go.
	source *source
}

// ClusterName is the name of the cluster, checked or not.
func (s Spec) ClusterName() string { return or(s.Name, DefaultName) }

// TLSMode is how connections are secured, said or not.
func (s Spec) TLSMode() TLSMode { return TLSMode(or(s.TLS, string(Mutual))) }

// DefaultName is the name of a cluster that has been given none.
const DefaultName = "etcd"

// Members of a Spec: either how many, or a list.
type Members struct {
	Count int
	List  []MemberSpec
}

// Count asks for n members with default names.
func Count(n int) Members { return Members{Count: n} }

// more are the keys, besides names, that a list has. A number of members says nothing
// of them: neither on which machines nor with what data they are.
func (m Members) more() []string {
	var keys []string
	for _, one := range m.List {
		v := reflect.ValueOf(one)
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("key")
			if key != nameKey && !v.Field(i).IsZero() && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// MemberSpec is what a user wrote about one member.
type MemberSpec struct {
	// Name of the member and of its service.
	Name string `key:"name"`
	// Host is the IP address of the machine that the member has to itself.
	Host string `key:"host"`
	// Engine is how the Docker Engine of that machine is reached: ssh://user@host,
	// tcp://host:2376, unix:///path or the name of a Docker context. EngineCerts is a
	// folder with ca.pem, cert.pem and key.pem for one at tcp://.
	Engine      string `key:"engine"`
	EngineCerts string `key:"engine-certs"`
	// Node is the node of a swarm that the member runs on and keeps its data on, by
	// its host name or its ID.
	Node string `key:"node"`
	// ClientPort is the member's port on 127.0.0.1 with publish: loopback, and
	// on its machine where it runs without a container or has a host. There,
	// the two ports behind it are the member's as well. Auto: see Spec.ClientPort.
	ClientPort string `key:"client-port"`
	// Data is an existing folder, as an absolute path, or an existing volume, by its
	// name, for the member's data.
	Data string `key:"data"`
	// Settings and Environment add to the cluster's and win over them.
	Settings    map[string]string `key:"settings"`
	Environment map[string]string `key:"environment"`
}

// HasPort reports whether somebody chose the member's client port.
func (m MemberSpec) HasPort() bool { return m.ClientPort != "" && m.ClientPort != AutoPort }

// AuthSpec is what a user wrote about etcd's users. What it does not name is not
// to be.
type AuthSpec struct {
	// Enabled is whether etcd goes by its users: true or false.
	Enabled string `key:"enabled"`
	// Roles have names, and permissions. In a file they are keys with lists.
	Roles []RoleSpec `key:"roles"`
	// Users are keys in a file, each with its roles.
	Users []UserSpec `key:"users"`
}

// RoleSpec is what a user wrote about one role.
type RoleSpec struct {
	Name        string
	Permissions []PermissionSpec
}

// PermissionSpec is one permission: on one Key, on all that begin with Prefix, or
// on those From one key up To another, which is not among them; without To there
// is no end.
type PermissionSpec struct {
	Key    string  `key:"key"`
	Prefix *string `key:"prefix"` // empty: all keys
	From   string  `key:"from"`
	To     string  `key:"to"`
	// Access is read, write or readwrite.
	Access string `key:"access"`
}

// UserSpec is what a user wrote about one user of etcd's.
type UserSpec struct {
	Name  string
	Roles []string `key:"roles"`
	// PasswordFile is where the password is of a user who comes without a
	// certificate of the name.
	PasswordFile string `key:"password-file"`
}

// Set lays a flag's value over what the file says. key is a key of the Spec
// with a single value, or members with a number; anything else is a mistake in
// the program and panics. Under another name than the file's the cluster is not the one
// whose backups the file describes, nor the one that is to take members over: these keys
// are as if they were not there.
func (s *Spec) Set(key, value string) error {
	if s.source == nil {
		s.source = &source{}
	}
	if s.source.flags == nil {
		s.source.flags, s.source.said = map[string]bool{}, *s
		s.source.said.source = nil
	}
	s.source.flags[key] = true
	if key == "members" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return Problems{s.source.problem(key, "must be a number from 1 to %d, not %q", MaxMembers, value)}
		}
		if more := s.Members.more(); len(more) > 0 {
			return Problems{s.source.problem(key, "%d would take the place of the list in the file, which says more of its members than their names (%s): "+
				"leave the flag out, and have the list name the members that there are to be", n, strings.Join(more, ", "))}
		}
		s.Members = Count(n)
		return nil
	}
	field, ok := fieldByKey(reflect.ValueOf(s).Elem(), key)
	if !ok {
		panic(fmt.Sprintf("cluster: the spec has no key %q", key))
	}
	if key == nameKey && s.Name != "" && s.Name != value {
		s.withhold()
	}
	field.SetString(value)
	return nil
}

// byFlag tells whether a flag has given the value of a key.
func (s *Spec) byFlag(key string) bool { return s.source != nil && s.source.flags[key] }

// NameIsSaid tells whether the name was said for this once, by a flag or by a program that
// has read no file: one in a file is as well that of every copy of the file.
func (s Spec) NameIsSaid() bool {
	return s.Name != "" && (s.source == nil || s.source.flags[nameKey])
}

// withhold drops what the file says of the cluster that it names, and of no other.
func (s *Spec) withhold() {
	s.source.named = s.Name
	if s.Backup != (BackupSpec{}) {
		s.source.withheld, s.Backup = append(s.source.withheld, "backup"), BackupSpec{}
	}
	if s.Adopts != "" {
		s.source.withheld, s.Adopts = append(s.source.withheld, "adopts"), ""
	}
}

// named is the cluster that a key was about which this one does not have, as a flag has
// given it another name; empty otherwise.
func (s Spec) named(key string) string {
	if s.source == nil || !slices.Contains(s.source.withheld, key) {
		return ""
	}
	return s.source.named
}

// BackupsOf is the cluster whose backups the file describes, where a flag has given this
// one another name: it takes none, as they would lie among that one's. Empty otherwise.
func (s Spec) BackupsOf() string { return s.named("backup") }

// Says tells whether the spec says something of a key, or of a setting of etcd as
// KeyOf writes it.
func (s Spec) Says(key string) bool {
	if name, ok := strings.CutPrefix(key, settingsPrefix); ok {
		return s.Settings[name] != ""
	}
	field, ok := fieldByKey(reflect.ValueOf(&s).Elem(), key)
	return ok && !field.IsZero()
}

// Say gives a key of the spec with a single value, or a setting of etcd as KeyOf
// writes it, a value.
func (s *Spec) Say(key, value string) {
	if name, ok := strings.CutPrefix(key, settingsPrefix); ok {
		s.Settings = overlay(s.Settings, map[string]string{name: value})
		return
	}
	field, ok := fieldByKey(reflect.ValueOf(s).Elem(), key)
	if !ok {
		panic(fmt.Sprintf("cluster: the spec has no key %q", key))
	}
	field.SetString(value)
}

// settingsPrefix is what KeyOf has before a setting that has no key of its own.
const settingsPrefix = "settings."

// fieldByKey is the field of a key, which is below another one where it has a dot.
func fieldByKey(spec reflect.Value, key string) (reflect.Value, bool) {
	key, below, nested := strings.Cut(key, ".")
	for i := range spec.NumField() {
		if spec.Type().Field(i).Tag.Get("key") != key {
			continue
		}
		if nested {
			return fieldByKey(spec.Field(i), below)
		}
		return spec.Field(i), true
	}
	return reflect.Value{}, false
}
