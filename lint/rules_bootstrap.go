package lint

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

// bootstrapRules are about members finding each other.
var bootstrapRules = []Rule{
	{
		ID: "several-clusters", Severity: Error,
		Title:  "each member forms a cluster of its own",
		Why:    "every one of them takes writes that the others never see",
		Source: docsClustering,
		Bad:    "  etcd1:\n    command: etcd --name etcd1 --initial-cluster etcd1=http://etcd1:2380 …\n  etcd2:\n    command: etcd --name etcd2 --initial-cluster etcd2=http://etcd2:2380 …",
		Good:   "  etcd1:\n    command: etcd --name etcd1 --initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380 …",
		check:  checkSeveralClusters,
	},
	{
		ID: "initial-cluster-missing", Severity: Error,
		Title:  "a member that others list has no initial cluster",
		Why:    "etcd's default is the member alone: it serves a cluster of its own, beside that of the others, which takes it for one that is away",
		Source: docsClustering + "#static",
		Bad:    "  etcd1:\n    command: etcd --name etcd1 --initial-advertise-peer-urls http://etcd1:2380 …\n  etcd2:\n    command: etcd --name etcd2 --initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380 …",
		Good:   "  etcd1:\n    command: etcd --name etcd1 --initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380 …",
		check:  checkInitialClusterMissing,
	},
	{
		ID: "force-new-cluster", Severity: Error,
		Title:  "force-new-cluster is left on",
		Why:    "at each start the member throws the others out of its own view, and goes on as a cluster of one",
		Source: docsConfiguration,
		Bad:    "      ETCD_FORCE_NEW_CLUSTER: \"true\"",
		Good:   "      # for one start only, by hand, when the majority is lost",
		check:  eachMember(checkForceNewCluster),
	},
	{
		ID: "initial-cluster-differs", Severity: Warning,
		Title:  "the initial cluster is not the members that there are",
		Why:    "a member that is not listed does not start, and one that is listed and does not exist counts against the quorum for ever",
		Source: docsClustering + "#static",
		Bad:    "      ETCD_NAME: etcd3\n      ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380,etcd2=http://etcd2:2380",
		Good:   "      ETCD_NAME: etcd3\n      ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380",
		check:  checkInitialCluster,
	},
	{
		ID: "initial-cluster-blanks", Severity: Warning,
		Title:  "the initial cluster is separated by blanks",
		Why:    "etcd separates by commas alone, and takes a blank for part of a name or an address: a member behind one does not find itself in the list, and does not start",
		Source: docsClustering + "#static",
		Bad:    "      ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380, etcd2=http://etcd2:2380",
		Good:   "      ETCD_INITIAL_CLUSTER: etcd1=http://etcd1:2380,etcd2=http://etcd2:2380",
		check:  checkBlanks,
	},
	{
		ID: "token-shared", Severity: Warning,
		Title:  "the cluster token is one that many clusters have",
		Why:    "two clusters of the same token and the same addresses are one to etcd: a member of the wrong one is let in",
		Source: docsClustering + "#static",
		Bad:    "      ETCD_INITIAL_CLUSTER_TOKEN: etcd-cluster-1",
		Good:   "      ETCD_INITIAL_CLUSTER_TOKEN: orders-production",
		check:  checkToken,
	},
	{
		ID: "peer-host-unknown", Severity: Warning,
		Title:  "a member's address is nobody's host",
		Why:    "the other members look the name up in vain, and the cluster does not form",
		Source: "https://docs.docker.com/compose/how-tos/networking/",
		Bad:    "  etcd1:\n    command: etcd --name node1 --initial-advertise-peer-urls http://node1:2380 …",
		Good:   "  etcd1:\n    command: etcd --name node1 --initial-advertise-peer-urls http://etcd1:2380 …",
		check:  checkPeerHost,
	},
	{
		ID: "listens-on-name", Severity: Warning,
		Title:  "a member is to listen on a name",
		Why:    "the member ends at once: etcd listens on addresses, and localhost is the only name that it takes for one",
		Source: "go.etcd.io/etcd/server/v3/embed, checkBindURLs, and a run of each release",
		Bad:    "      ETCD_LISTEN_PEER_URLS: http://etcd1:2380",
		Good:   "      ETCD_LISTEN_PEER_URLS: http://0.0.0.0:2380",
		check:  eachMember(checkListensOnName),
	},
	{
		ID: "advertises-unspecified", Severity: Warning,
		Title:  "0.0.0.0 is advertised",
		Why:    "it is no address to go to: who follows it finds himself",
		Source: docsConfiguration,
		Bad:    "      ETCD_ADVERTISE_CLIENT_URLS: http://0.0.0.0:2379",
		Good:   "      ETCD_ADVERTISE_CLIENT_URLS: http://etcd1:2379",
		check:  eachMember(checkAdvertisesUnspecified),
	},
	{
		ID: "advertises-loopback", Severity: Warning,
		Title:  "a container advertises its loopback to clients",
		Why:    "clients that ask for the members, as those do that sync their endpoints, are sent to themselves: from another container nobody answers there",
		Source: docsConfiguration,
		Bad:    "  etcd1:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://localhost:2379\"}",
		Good:   "  etcd1:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://etcd1:2379\"}",
		check:  eachContainer(checkAdvertisesLoopback),
	},
	{
		ID: "advertise-same", Severity: Warning,
		Title:  "several members advertise the same address",
		Why:    "clients that ask for the members are sent to one of them only, or, for peers, nothing starts",
		Source: docsClustering,
		Bad:    "  etcd1:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://etcd:2379\"}\n  etcd2:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://etcd:2379\"}",
		Good:   "  etcd1:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://etcd1:2379\"}\n  etcd2:\n    environment: {ETCD_ADVERTISE_CLIENT_URLS: \"http://etcd2:2379\"}",
		check:  checkAdvertiseSame,
	},
	{
		ID: "port-differs", Severity: Warning,
		Title:  "a port is advertised or published that nobody listens on",
		Why:    "who follows it is refused",
		Source: docsConfiguration,
		Bad:    "      ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379\n      ETCD_ADVERTISE_CLIENT_URLS: http://etcd1:12379",
		Good:   "      ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379\n      ETCD_ADVERTISE_CLIENT_URLS: http://etcd1:2379",
		check:  checkPorts,
	},
	{
		ID: "even-members", Severity: Note, Choice: true,
		Title:  "the number of members is even",
		Why:    "one more than an odd number adds no failure that the cluster survives, and one more machine that can fail",
		Source: docsFAQ,
		Bad:    "      ETCD_INITIAL_CLUSTER: etcd1=…,etcd2=…,etcd3=…,etcd4=…",
		Good:   "      ETCD_INITIAL_CLUSTER: etcd1=…,etcd2=…,etcd3=…",
		check:  checkEven,
	},
	{
		ID: "single-member", Severity: Note, Choice: true,
		Title:  "there is one member only",
		Why:    "while it restarts nothing is served, and its disk is the only copy",
		Source: docsFAQ,
		Bad:    "services:\n  etcd: …",
		Good:   "services:\n  etcd1: …\n  etcd2: …\n  etcd3: …",
		check:  checkSingle,
	},
}

// meetsElsewhere tells whether members find each other by other means than a
// list.
func (m *Member) meetsElsewhere() bool { return len(m.meetings()) > 0 }

// numbered matches the end of names that are told apart by it alone.
var numbered = regexp.MustCompile(`([-_.]?[0-9]+|[-_.][a-z])$`)

func checkSeveralClusters(s *Stack, r *reporter) {
	families := map[string][]*Member{}
	var order []string
	for _, group := range s.clusters() {
		m := group[0]
		if len(group) > 1 || len(m.initialCluster()) > 1 || m.meetsElsewhere() || m.get("initial-cluster-state") == "existing" || unknown(m.get("initial-cluster")) {
			continue
		}
		base := numbered.ReplaceAllString(m.Service, "")
		if base == m.Service {
			continue
		}
		if families[base] == nil {
			order = append(order, base)
		}
		families[base] = append(families[base], m)
	}
	for _, base := range order {
		alone := families[base]
		if len(alone) < 2 {
			continue
		}
		for _, m := range alone {
			r.in(m, found{
				at:      m.at("initial-cluster"),
				message: fmt.Sprintf("its initial cluster is itself alone, and so are those of %s", others(alone, m)),
				remedy:  "list all members in each one's initial-cluster",
			})
		}
	}
}

func others(all []*Member, but *Member) string {
	var names []string
	for _, m := range all {
		if m != but {
			names = append(names, m.Service)
		}
	}
	return strings.Join(names, ", ")
}

func checkForceNewCluster(m *Member, r *reporter) {
	if m.isTrue("force-new-cluster") {
		r.in(m, found{at: m.at("force-new-cluster"), message: "force-new-cluster makes the member a cluster of its own at each start", remedy: "leave it out, and give it for one start only"})
	}
}

func checkInitialCluster(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		first := group[0]
		for _, m := range group {
			if m.get("initial-cluster") == "" || unknown(m.get("initial-cluster")) || m.get("initial-cluster-state") == "existing" || badBlanks(m.get("initial-cluster")) {
				continue
			}
			if message := m.misfit(s, first); message != "" {
				r.in(m, found{
					at: m.at("initial-cluster"), message: message,
					remedy: "list each member once, by its name and its initial-advertise-peer-urls, the same in all",
				})
			}
		}
	}
}

// misfit says what is wrong with a member's initial cluster.
func (m *Member) misfit(s *Stack, first *Member) string {
	list := m.initialCluster()
	i := slices.IndexFunc(list, func(p peer) bool { return p.name == m.name() })
	own := m.get("initial-advertise-peer-urls")
	switch {
	case i < 0 && !unknown(m.name()):
		return fmt.Sprintf("the member calls itself %s, and its initial cluster does not list that", m.name())
	case i >= 0 && own != "" && !unknown(own) && !slices.ContainsFunc(list, func(p peer) bool { return p.name == m.name() && sameURL(p.url, own) }) && !strings.Contains(own, ","):
		return fmt.Sprintf("the initial cluster lists %s for %s, which advertises %s", list[i].url, m.name(), own)
	case first != m && !unknown(first.get("initial-cluster")) && first.get("initial-cluster") != "" && !sameList(list, first.initialCluster()):
		return fmt.Sprintf("the initial cluster differs from that of %s", first.Service)
	}
	if s.closed(m) {
		for _, p := range list {
			if s.called(p.name) {
				continue // see peer-host-unknown
			}
			for _, u := range readURLs(p.url) {
				if isBareName(u.Hostname()) && s.containerOf(u.Hostname()) == nil {
					return fmt.Sprintf("the initial cluster lists %s at %s, which is nobody here", p.name, u.Host)
				}
			}
		}
	}
	return ""
}

func sameURL(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }

// closed tells whether all that a member can reach by name is in the stack.
func (s *Stack) closed(m *Member) bool {
	if s.Kind != ComposeProject || m.Container.NetworkMode != "" || m.Container.v.get("extra_hosts").parts() != nil || m.Container.v.get("external_links").parts() != nil {
		return false
	}
	for _, e := range s.root.get("networks").entries {
		if ext := e.value.get("external"); ext.truth() || ext.kind == mapping {
			return false
		}
	}
	return true
}

// called tells whether a member calls itself so.
func (s *Stack) called(name string) bool {
	if s.members == nil {
		s.members = map[string]bool{}
		for _, m := range s.Members {
			s.members[m.name()] = true
		}
	}
	return s.members[name]
}

// isBareName tells whether a host is a name without a domain: one of the stack.
func isBareName(host string) bool {
	return net.ParseIP(host) == nil && !strings.Contains(host, ".") && !loopback.Host(host) && host != ""
}

func sameList(a, b []peer) bool {
	key := func(l []peer) string {
		var out []string
		for _, p := range l {
			out = append(out, p.name+"="+strings.TrimSuffix(p.url, "/"))
		}
		slices.Sort(out)
		return strings.Join(out, ",")
	}
	return key(a) == key(b)
}

func badBlanks(list string) bool { return strings.ContainsAny(strings.TrimSpace(list), " \t\n") }

func checkBlanks(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		together := &alike{broken: s.partly}
		for _, m := range group {
			checkBlanksOf(m, together, r)
		}
	}
}

func checkBlanksOf(m *Member, together *alike, r *reporter) {
	s, ok := m.find("initial-cluster")
	if !ok || !badBlanks(s.Value) || unknown(s.Value) {
		return
	}
	joined := strings.Join(strings.FieldsFunc(s.Value, func(r rune) bool { return strings.ContainsRune(", \t\n", r) }), ",")
	r.in(m, found{
		at: s.At, message: "the initial cluster has blanks between its members",
		remedy: "write " + joined, fix: s.rewriting(joined), alike: together,
	})
}

// commonTokens are those of etcd's default and of examples everywhere.
var commonTokens = []string{
	"etcd-cluster", "etcd-cluster-1", "etcd-cluster-0", "etcd-cluster-token", "etcd-token", "my-etcd-token", "my-etcd-cluster",
	"tkn", "tutorial", "mys3cr3ttok3n", "token", "token-01", "cluster", "mytoken", "etcd_cluster", "docker-etcd", "etcd-cluster-demo", "cluster-token", "test", "my-token",
}

func checkToken(s *Stack, r *reporter) {
	name := cmp.Or(s.Name, "orders") + "-etcd"
	named := func(fix func(*editor)) func(*editor) {
		if s.Name == "" {
			return nil // whoever fixes would get the same as everybody
		}
		return fix
	}
	for _, group := range s.clusters() {
		together := &alike{broken: s.partly || len(differentTokens(group)) > 1}
		for _, m := range group {
			token, given := m.find("initial-cluster-token")
			switch {
			case m.meetsElsewhere(), m.get("initial-cluster-state") == "existing":
			case !given && (len(group) > 1 || len(m.initialCluster()) > 1):
				r.in(m, found{
					message: "no cluster token is set: it is etcd-cluster, as everywhere",
					remedy:  "set initial-cluster-token to a name of this cluster's own, such as " + name, fix: named(m.adding([2]string{"initial-cluster-token", name})), alike: together,
				})
			case given && slices.Contains(commonTokens, strings.ToLower(token.Value)):
				r.in(m, found{
					at: token.At, message: fmt.Sprintf("the cluster token %s is that of many examples", token.Value),
					remedy: "write a name of this cluster's own, such as " + name, fix: named(token.rewriting(name)), alike: together,
				})
			}
		}
	}
}
