package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Resolve decides everything that spec leaves open and checks everything that
// it says. The error is Problems, and lists every mistake, not only the first.
func Resolve(spec Spec, place Placement) (*Cluster, error) {
	if spec.source != nil && spec.source.unreadable {
		return nil, spec.source.problems
	}
	readings := spec.readings()
	if len(readings) == 1 {
		return resolve(spec, place)
	}
	var found []Problems
	for _, reading := range readings {
		_, err := resolve(reading, place)
		found = append(found, problemsOf(err))
	}
	return nil, inAll(found).asError()
}

func resolve(spec Spec, place Placement) (*Cluster, error) {
	r := &resolver{spec: spec}
	c := r.cluster()
	r.members(c, place)
	r.bootstrap(c, place)
	r.monitoring(c)
	r.settings(c)
	r.auth(c)
	r.swarm(c)
	if c.Backup != nil && c.Backup.Service && (c.SpansMachines() || c.Runtime == Swarm) {
		r.warn("backup", "no service is started beside members on several machines: `etcdctr backup run` takes them, wherever it runs, "+
			"or the unit that `etcdctr systemd` prints; service: false says that this is known")
		c.Backup.Service = false
	}
	r.backupPorts(c)
	if err := Problems(inOrder(r.all())).asError(); err != nil {
		return nil, err
	}
	c.Warnings = inOrder(r.warnings)
	return c, nil
}

// Mistakes tells all that is wrong with a Spec wherever its members run: what
// could not be read of its file, and what is not well in the rest and in the
// flags laid over it. It is nil or Problems, as the error of Resolve is.
func Mistakes(spec Spec) error {
	var found []Problems
	for _, place := range []Placement{InContainers, InProcesses("", ""), UnderSystemd} {
		_, err := Resolve(spec, place)
		found = append(found, problemsOf(err))
	}
	return inAll(found).asError()
}

// problemsOf are those that an error of Resolve is.
func problemsOf(err error) Problems {
	found, _ := err.(Problems) //nolint:errorlint // Resolve's errors are nothing else, and not wrapped
	return found
}

// resolver checks a Spec's values one by one and collects what is wrong.
type resolver struct {
	spec     Spec
	profile  profile
	problems Problems
	warnings []Problem
}

// all gives what is wrong with the values, and what could not be read.
func (r *resolver) all() Problems {
	source := r.spec.source
	if source == nil {
		return r.problems
	}
	own := slices.DeleteFunc(slices.Clone(r.problems), source.follows)
	return append(own, source.unclear()...)
}

func (r *resolver) report(path, format string, args ...any) {
	r.problems = append(r.problems, r.spec.source.problem(path, format, args...))
}

func (r *resolver) warn(path, format string, args ...any) {
	r.warnings = append(r.warnings, r.spec.source.problem(path, format, args...))
}

// withheld tells what of the file is about another cluster than this one.
func (r *resolver) withheld() {
	if other := r.spec.BackupsOf(); other != "" {
		r.warn("backup", "these are the backups of %s: %s takes none, and has its own by a cluster file of its own", other, r.spec.Name)
	}
	if other := r.spec.named("adopts"); other != "" {
		r.warn("adopts", "is about %s: %s takes over nothing, and begins empty", other, r.spec.Name)
	}
}

// cluster decides all that the members have in common.
func (r *resolver) cluster() *Cluster {
	s := r.spec
	r.withheld()
	oneOf(r, "version", s.Version, "1", "1")
	c := &Cluster{
		Spec:      s,
		Name:      r.label("name", s.ClusterName(), maxNameLength),
		Runtime:   choose[Runtime](r, "runtime", s.Runtime),
		Profile:   choose[string](r, "profile", s.Profile),
		Bootstrap: choose[Bootstrap](r, "bootstrap", s.Bootstrap),
		TLS:       choose[TLSMode](r, "tls", s.TLS),
		Publish:   choose[Publish](r, "publish", s.Publish),
	}
	r.profile = profiles[c.Profile]
	c.Upkeep = r.profile.upkeep
	c.Data = r.data()
	if c.Data == Memory && c.Profile == Production {
		r.warn("data", "memory loses a member's data whenever it stops: use volume for data that matters")
	}
	c.Protect = yes(r, "protect", s.Protect, false)
	switch {
	case c.Protect && c.Data == Memory:
		r.report("protect", "has nothing to protect with data: memory: leave one of them out")
	case c.Protect && c.Runtime.RunsPrograms():
		r.report("protect", "has no effect with runtime: %s, whose data is in folders: leave it out", c.Runtime)
	}
	c.Etcd, c.Image = r.release()
	c.Renewal = r.renewal()
	c.Backup = r.backup()
	if s.EtcdBinary != "" && c.Runtime != AnyRuntime && !c.Runtime.RunsPrograms() {
		r.report("etcd-binary", "has no effect with runtime: %s: use image, or leave it out", c.Runtime)
	}
	if s.SelfSignedCertValidity != "" && c.TLS != AutoTLS {
		r.report("self-signed-cert-validity", "has no effect without tls: auto: set that, or leave it out")
	}
	return c
}

// data decides what keeps the data of members that have no place of their own.
func (r *resolver) data() Data {
	said := r.spec.Data
	if strings.ContainsAny(said, `/\`) {
		r.report("data", "must be %s: a folder or an existing volume is for one member: write it there, as members: [{name: etcd1, data: %s}]",
			alternatives(wordsOf[Data]("data")), said)
		return Data(said)
	}
	if data := choose[Data](r, "data", said); data != "" {
		return data
	}
	return r.profile.data
}

// oneOf gives value, or fallback when there is none, and reports a value that
// is not among the allowed.
func oneOf[T ~string](r *resolver, path string, value, fallback T, allowed ...T) T {
	if value == "" {
		return fallback
	}
	if slices.Contains(allowed, value) {
		return value
	}
	r.report(path, "must be %s, not %q", alternatives(allowed), value)
	return fallback
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// The most that a host name in a certificate, and a container's name made of
// cluster and member, have room for.
const (
	maxNameLength   = 40
	maxMemberLength = 20
)

// label checks a name that becomes part of host, container and volume names.
func (r *resolver) label(path, name string, longest int) string {
	if !isLabel(name) || len(name) > longest {
		r.report(path, "%q must be lower-case letters, digits and inner hyphens, at most %d characters", name, longest)
	}
	return name
}

// token decides the initial cluster token: any word will do for etcd, which
// hashes it into the cluster ID. A discovery token takes its place.
func (r *resolver) token(c *Cluster) {
	if c.Discovery != nil {
		c.Token = c.Discovery.Token
		return
	}
	given := r.spec.InitialClusterToken
	if len(given) > 128 || strings.ContainsFunc(given, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.report("initial-cluster-token", "%q must be at most 128 printable characters without spaces", given)
	}
	c.Token = or(given, c.Name)
}

// members names the members and places them.
func (r *resolver) members(c *Cluster, place Placement) {
	list := r.memberSpecs()
	r.countWarnings(len(list))
	r.environment("environment", r.spec.Environment)

	names, ports, anyPort := map[string]bool{}, map[string]string{}, r.anyPort()
	for i, ms := range list {
		at := memberPath(i)
		r.memberName(at, ms.Name, names)
		store := r.store(at, ms.Data, c.Data)
		if c.Runtime == Swarm {
			ms.Host = "" // which is refused
		}
		seat := Seat{
			Cluster: c.Name, Member: ms.Name, Index: i, Host: r.host(at, ms.Host), ClientPort: r.clientPort(at, ms.ClientPort), Folder: store.Folder,
			AnyPort: anyPort || ms.ClientPort == AutoPort,
		}
		m := Member{
			Name:        ms.Name,
			Place:       place(seat),
			Host:        seat.Host,
			Engine:      r.engine(at, ms),
			Node:        ms.Node,
			Store:       store,
			Environment: overlay(r.spec.Environment, ms.Environment),
		}
		m.PublishedPort = r.publishedPort(at, seat, m.Place, c.Publish)
		r.distinctPorts(at, m, c.Members, ports)
		r.ownStore(at, m, c.Members)
		r.environment(at+".environment", ms.Environment)
		c.Members = append(c.Members, m)
	}
	r.portsOfAll(c)
	if c.Runtime != Swarm {
		r.hostsOfAll(c, list)
	}
	r.enginesOfAll(list)
	r.nodesOfAll(c, list)
}

// bootstrap decides how the members find each other.
func (r *resolver) bootstrap(c *Cluster, place Placement) {
	r.subnets(c)
	r.dns(c, place)
	r.discovery(c, place)
	r.token(c)
	r.judge(c)
}

// settings tells every member all that it needs to know.
func (r *resolver) settings(c *Cluster) {
	list := r.memberSpecs()
	common := append(r.commonSettings(), r.plainSettings()...)
	written := map[string]string{}
	r.metricsURLs(c.TLS)
	r.checkKeys(c.Etcd)
	r.checkSettings("settings", c.Etcd, r.spec.Settings)
	for i := range c.Members {
		m := &c.Members[i]
		r.metricsPort(m.Place, len(c.Members))
		m.Environment = overlay(m.Environment, discoveryEnvironment(c, *m))
		m.Settings = slices.Concat(
			identitySettings(*m, c),
			bootstrapSettings(c, *m),
			r.tlsSettings(*m, c.TLS),
			r.metricsSettings(m.Place),
			common,
			r.furtherSettings(list[i].Settings),
		)
		r.checkSettings(memberPath(i)+".settings", c.Etcd, list[i].Settings)
		r.paths(memberPath(i), *m, list[i].Settings, written)
	}
}

// memberPath is the path of a member's keys.
func memberPath(i int) string { return fmt.Sprintf("members[%d]", i) }

// memberSpecs gives the wanted members, named.
func (r *resolver) memberSpecs() []MemberSpec {
	m := r.spec.Members
	if len(m.List) > MaxMembers || m.Count > MaxMembers || m.Count < 0 {
		r.report("members", "must be from 1 to %d, not %d: more members make a cluster slower, not safer",
			MaxMembers, max(len(m.List), m.Count))
		return nil
	}
	if len(m.List) > 0 {
		return m.List
	}
	n := m.Count
	if n == 0 {
		n = 3
	}
	list := make([]MemberSpec, n)
	for i := range list {
		list[i].Name = memberName(i)
	}
	return list
}

func (r *resolver) countWarnings(n int) {
	switch {
	case n == 1:
		r.warn("members", "1 member tolerates no failure, and its data is on one disk only: 3 tolerate one")
	case n > 0 && n%2 == 0:
		r.warn("members", "%d members tolerate %s, as %d would, and every write waits for one more: use %d or %d",
			n, failures((n-1)/2), n-1, n-1, n+1)
	case n > 7:
		r.warn("members", "%d members are more than the 7 that etcd recommends: every write waits for %d of them", n, n/2+1)
	}
}

func failures(n int) string {
	if n == 0 {
		return "no failure"
	}
	if n == 1 {
		return "1 failure"
	}
	return fmt.Sprintf("%d failures", n)
}

func (r *resolver) memberName(at, name string, seen map[string]bool) {
	path := at + ".name"
	if name == "" {
		r.report(path, "is missing: every member in a list has a name")
		return
	}
	r.label(path, name, maxMemberLength)
	if seen[name] {
		r.report(path, "%q is the name of another member too", name)
	}
	if reserved[name] {
		r.report(path, "%q is the name of one of the stack's own services: take another", name)
	}
	seen[name] = true
}

// reserved are the services that a stack may have besides its members.
var reserved = map[string]bool{
	DNSServerName: true, DiscoveryServerName: true, DiscoveryOpenName: true, DiscoveryGuardName: true,
	PrometheusName: true, BackupName: true,
}

// overlay gives base with more laid over it.
func overlay(base, more map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{base, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// span reads a duration within bounds; empty gives fallback.
func (r *resolver) span(path, value string, fallback, least, most time.Duration) time.Duration {
	if value == "" {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		r.report(path, "must be a duration such as %s, not %q", fallback, value)
		return fallback
	}
	if d < least || d > most {
		r.report(path, "must be from %s to %s, not %s", least, most, value)
		return fallback
	}
	return d
}
