package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/loopback"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtime"
)

// Description is a cluster that is to take over from a stack.
type Description struct {
	Spec cluster.Spec
	// Dropped are settings of the members that no description has, and why.
	Dropped []runtime.Difference
	// Because says why it has another image or release than what was there and what
	// was said would have it have; empty where it has not.
	Because string

	etcdSaid bool // by whoever wants it
}

// Describe gives the description of a cluster as much like a stack as one of ours
// can be. What said says is as it says.
func Describe(s *Stack, said cluster.Spec) (Description, error) {
	d := Description{Spec: said, etcdSaid: said.Etcd != ""}
	if d.Spec.Name == "" {
		d.Spec.Name = nameFor(s)
	}
	d.Spec.Adopts = s.Name
	if d.Spec.Runtime == "" {
		d.Spec.Runtime = string(s.Runtime)
	}
	if d.Spec.TLS == "" {
		d.Spec.TLS = string(cluster.NoTLS)
		if s.Members[0].Encrypted() {
			d.Spec.TLS = string(cluster.Mutual)
		}
	}
	if d.Spec.Etcd == "" && d.Spec.Image == "" {
		if d.Spec.Etcd = s.release(); d.Spec.Etcd == "" {
			return d, fmt.Errorf("%s: %w", s.Name, ErrRelease)
		}
	}
	if d.Spec.Members.Count == 0 && len(d.Spec.Members.List) == 0 {
		d.Spec.Members = membersFor(s)
		d.publish(s)
	}
	d.unpublish(s, said)
	want, err := cluster.Resolve(d.Spec, cluster.InContainers)
	if err == nil {
		err = s.checkRelease(want.Etcd)
	}
	if err != nil {
		return d, err
	}
	d.takeSettings(s.Members[0])
	d.takeEnvironment(s)
	return d, nil
}

// publish has programs of the machine find the members where they were, on loopback
// at least: members take the ports of those that were stopped before. Members that join
// beside the old ones can't have the same.
func (d *Description) publish(s *Stack) {
	if d.Spec.Publish != "" || !slices.ContainsFunc(s.Members, func(m Member) bool { return m.ClientPort != "" }) {
		return
	}
	next, place := d.Spec, cluster.InContainers
	if next.Runtime == string(cluster.Docker) {
		next.Publish = string(cluster.PublishLoopback)
	} else {
		place = cluster.InProcesses("", "") // which listen on loopback anyway
	}
	next.Members = portsFor(s, next.Members)
	want, err := cluster.Resolve(next, place)
	if err != nil { // a port that no member of ours can have, or that two have
		return
	}
	if way, _ := Choose(s, want); way != Join {
		d.Spec = next
	}
}

// portsFor gives members the client ports of those that they take the place of. One that had
// none has any: where some are published, all are.
func portsFor(s *Stack, members cluster.Members) cluster.Members {
	list := make([]cluster.MemberSpec, len(s.Members))
	for i, m := range s.Members {
		list[i] = cluster.MemberSpec{Name: fmt.Sprintf("etcd%d", i+1), ClientPort: cmp.Or(m.ClientPort, cluster.AutoPort)}
		if members.Count == 0 {
			list[i].Name = members.List[i].Name
		}
	}
	return cluster.Members{List: list}
}

// unpublish tells of ports that nobody finds the members at any more, there or from other
// machines: no description has those. What said of publishing is as it says.
func (d *Description) unpublish(s *Stack, said cluster.Spec) {
	var all, beyond []string
	for _, m := range s.Members {
		for _, at := range m.Published {
			all = append(all, at)
			if host, _, err := net.SplitHostPort(at); err == nil && !loopback.Host(host) {
				beyond = append(beyond, at)
			}
		}
	}
	told, why := beyond, ""
	switch kept := slices.ContainsFunc(d.Spec.Members.List, func(m cluster.MemberSpec) bool { return m.ClientPort != "" }); {
	case said.Publish != "":
		why = fmt.Sprintf("members are published as publish: %s says", said.Publish)
	case kept:
		why = "client ports are published on 127.0.0.1 only, at the same ports, and peer ports nowhere: programs of other machines need a way of their own, such as `etcdctr connect` where they run"
	case d.Spec.Runtime != string(cluster.Docker):
		why = "members listen on 127.0.0.1 only, at ports of their own: programs of other machines need a way of their own, such as `etcdctr connect` where they run"
	default:
		told = all
		why = "nothing is published, for this machine neither: the old members have their ports until they are gone. Write " + keeping(s, d.Spec.Members) +
			" into the cluster file then, and `etcdctr up` publishes client ports on 127.0.0.1; until then, and of other machines, programs have `etcdctr connect`"
	}
	if len(told) > 0 {
		slices.Sort(told)
		d.drop(runtime.Published, strings.Join(told, ","), why)
	}
}

// keeping is what a cluster file says for programs of the machine to find members where
// those that are gone were.
func keeping(s *Stack, members cluster.Members) string {
	publish := "publish: " + string(cluster.PublishLoopback)
	if n := max(members.Count, len(members.List)); n != len(s.Members) {
		return publish
	}
	var list []string
	for _, m := range portsFor(s, members).List {
		list = append(list, fmt.Sprintf("{name: %s, client-port: %s}", m.Name, m.ClientPort))
	}
	return fmt.Sprintf("%s and members: [%s]", publish, strings.Join(list, ", "))
}

// nameFor is a name that nothing of the stack has: what is made anew stands beside
// it for a while.
func nameFor(s *Stack) string {
	name := strings.ToLower(s.Name)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, name), "-")
	const longest = 30
	name = strings.Trim(name[:min(len(name), longest)], "-")
	if name == "" {
		return cluster.DefaultName
	}
	return name + "-etcd"
}

// membersFor names the members: as they are called where each goes on in its
// place, and otherwise by names that no member has.
func membersFor(s *Stack) cluster.Members {
	own := make([]cluster.MemberSpec, len(s.Members))
	for i, m := range s.Members {
		own[i].Name = m.Name
	}
	if goesOn(s) {
		return inShort(own)
	}
	for _, stem := range []string{"etcd", "member", "node"} {
		for i := range own {
			own[i].Name = stem + strconv.Itoa(i+1)
		}
		if !slices.ContainsFunc(own, func(o cluster.MemberSpec) bool { return s.knows(o.Name) }) {
			break
		}
	}
	return inShort(own)
}

// goesOn tells whether the members keep their names: see InPlace. One member that
// others can join has its data taken over without an interruption by that, unless it is
// published: programs of the machine would find nobody at its port any more.
func goesOn(s *Stack) bool {
	if len(s.Members) == 1 {
		m := s.Members[0]
		return !m.Runs() || m.ClientPort != "" || m.Apart != "" || s.Runtime == cluster.Docker && m.PeerURL() == peerURL(m.Name)
	}
	for _, m := range s.Members {
		if s.Runtime == cluster.Docker && m.PeerURL() != peerURL(m.Name) || s.Runtime != cluster.Docker {
			return false
		}
	}
	return true
}

// peerURL is that of a member of ours in a container, in plain text.
func peerURL(name string) string { return fmt.Sprintf("http://%s:%d", name, cluster.PeerPort) }

// knows tells whether a name stands for anything in the stack.
func (s *Stack) knows(name string) bool {
	return slices.ContainsFunc(s.Members, func(m Member) bool { return m.Name == name || slices.Contains(m.Hosts, name) })
}

// inShort gives members with default names as a number.
func inShort(list []cluster.MemberSpec) cluster.Members {
	for i, m := range list {
		if m.Name != fmt.Sprintf("etcd%d", i+1) {
			return cluster.Members{List: list}
		}
	}
	return cluster.Count(len(list))
}

// takeEnvironment takes over what all members have of the variables that every program
// in Go goes by.
func (d *Description) takeEnvironment(s *Stack) {
	own := maps.Clone(d.Spec.Environment)
	for _, g := range s.Members[0].given {
		name, is := strings.CutPrefix(g.key, environmentKey)
		differs := slices.ContainsFunc(s.Members, func(m Member) bool { return !slices.Contains(m.given, g) })
		if _, said := own[name]; said || !is || differs || !slices.Contains(goVariables, name) {
			continue
		}
		if own == nil {
			own = map[string]string{}
		}
		own[name] = g.value
	}
	d.Spec.Environment = own
}

// takeSettings takes over what a member is told, as far as it can be told one of
// ours.
func (d *Description) takeSettings(m Member) {
	said := d.Spec
	for _, s := range translated(m.Settings) {
		key, why := cluster.KeyOf(s.Name)
		if founds(s.Name) || s.Value == "" || said.Says(key) {
			continue
		}
		if s.Name == "wal-dir" {
			d.drop(s.Name, s.Value, "the log goes on in the data folder, where it is brought")
			continue
		}
		if key == "" {
			if !identity[s.Name] {
				d.drop(s.Name, shown(s.Name, s.Value), why)
			}
			continue
		}
		next := d.Spec
		next.Say(key, s.Value)
		if _, err := cluster.Resolve(next, cluster.InContainers); err != nil {
			d.drop(s.Name, shown(s.Name, s.Value), err.Error())
			continue
		}
		d.Spec = next
	}
}

func (d *Description) drop(name, value, why string) {
	d.Dropped = append(d.Dropped, runtime.Difference{Name: name, Was: value, Is: why})
}

// founds tells of settings that are of no concern to members that join.
func founds(name string) bool {
	return strings.HasPrefix(name, "initial-") || name == "strict-reconfig-check"
}

// identity are settings that each member of ours has, with other values.
var identity = map[string]bool{
	"name": true, "data-dir": true, "listen-client-urls": true, "listen-peer-urls": true, "advertise-client-urls": true,
}

// translated gives settings in the words of a description. etcd's compaction is
// off unless it is told otherwise, and ours is not.
func translated(settings cluster.Settings) cluster.Settings {
	var all cluster.Settings
	retention, mode := settings.Get("auto-compaction-retention"), settings.Get("auto-compaction-mode")
	for _, s := range settings {
		switch s.Name {
		case "heartbeat-interval", "election-timeout":
			if _, err := strconv.Atoi(s.Value); err == nil {
				s.Value += "ms"
			}
		case "quota-backend-bytes":
			if n, err := strconv.ParseInt(s.Value, 10, 64); err == nil && n <= 0 {
				continue
			}
		case "auto-compaction-retention", "auto-compaction-mode", "listen-metrics-urls":
			continue
		}
		all = append(all, s)
	}
	switch n, err := strconv.ParseInt(retention, 10, 64); {
	case retention == "" || err == nil && n == 0,
		mode == "revision" && err != nil: // a time is nanoseconds of revisions there
		return append(all, cluster.Setting{Name: "auto-compaction-mode", Value: "off"})
	case mode == "revision":
		all = append(all, cluster.Setting{Name: "auto-compaction-mode", Value: mode})
	case err == nil:
		retention = (time.Duration(n) * time.Hour).String() // as etcd reads a bare number
	}
	return append(all, cluster.Setting{Name: "auto-compaction-retention", Value: retention})
}

// Findings are what lint has against the stack.
func (s *Stack) Findings() []lint.Finding {
	var all []lint.Finding
	for _, d := range s.Described {
		all = append(all, lint.Check(d)...)
	}
	return all
}
