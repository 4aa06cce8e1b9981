package adopt

import (
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
	d.unpublish(s)
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
// at least: members that go on in their place take the ports of those that were
// stopped. Members that join beside the old ones can't have the same.
func (d *Description) publish(s *Stack) {
	if d.Spec.Publish != "" || d.Spec.Runtime != string(cluster.Docker) || !goesOn(s) {
		return
	}
	list := make([]cluster.MemberSpec, len(s.Members))
	for i, m := range s.Members {
		if m.ClientPort == "" {
			return // which its differences tell
		}
		list[i] = cluster.MemberSpec{Name: m.Name, ClientPort: m.ClientPort}
	}
	d.Spec.Publish, d.Spec.Members = string(cluster.PublishLoopback), cluster.Members{List: list}
}

// unpublish tells of ports that other machines reach: no description has those.
func (d *Description) unpublish(s *Stack) {
	var beyond []string
	for _, m := range s.Members {
		for _, at := range m.Published {
			if host, _, err := net.SplitHostPort(at); err == nil && !loopback.Host(host) {
				beyond = append(beyond, at)
			}
		}
	}
	if len(beyond) > 0 {
		slices.Sort(beyond)
		d.drop(runtime.Published, strings.Join(beyond, ","),
			"members are published on 127.0.0.1 only: programs of other machines need a way of their own, such as `etcdctr connect` where they run")
	}
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
// others can join has its data taken over without an interruption by that.
func goesOn(s *Stack) bool {
	if len(s.Members) == 1 {
		m := s.Members[0]
		return !m.Runs() || m.Apart != "" || s.Runtime == cluster.Docker && m.PeerURL() == peerURL(m.Name)
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
