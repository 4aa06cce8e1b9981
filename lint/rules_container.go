package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// containerRules are about what is around etcd in its container.
var containerRules = []Rule{
	{
		ID: "health-check-shell", Severity: Warning,
		Title:  "the health check needs a program that the image lacks",
		Why:    "the official image has no shell and no curl: the container is unhealthy for ever, and what waits for it never starts",
		Source: "https://github.com/etcd-io/etcd/blob/main/Dockerfile",
		Bad:    "    image: quay.io/coreos/etcd:v3.6.16\n    healthcheck: {test: \"etcdctl endpoint health\"}",
		Good:   "    healthcheck: {test: [CMD, etcdctl, endpoint, health]}",
		check:  eachContainer(checkHealthShell),
	},
	{
		ID: "health-check-file", Severity: Warning,
		Title:  "the health check reads a file that is not mounted",
		Why:    "the container is unhealthy for ever, and what waits for it never starts",
		Source: docsCompose + "#healthcheck",
		Bad:    "    healthcheck: {test: [CMD, etcdctl, --cacert=/certs/ca.crt, endpoint, health]}",
		Good:   "    volumes: [\"./certs/etcd1:/certs:ro\"]",
		check:  eachContainer(checkHealthFiles),
	},
	{
		ID: "waits-for-each-other", Severity: Warning,
		Title:  "members wait for each other's health",
		Why:    "a member is healthy once most of them run, and the others wait for that: none of it ever happens",
		Source: docsCompose + "#depends_on",
		Bad:    "  etcd2:\n    depends_on: {etcd1: {condition: service_healthy}}\n  etcd3:\n    depends_on: {etcd2: {condition: service_healthy}}",
		Good:   "  # members start together, in any order",
		check:  checkWaiting,
	},
	{
		ID: "no-health-check", Severity: Warning,
		Title:  "there is no health check",
		Why:    "a member that hangs passes for well, and nothing can wait until it serves",
		Source: docsCompose + "#healthcheck",
		Bad:    "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.16",
		Good:   "    healthcheck:\n      test: [CMD, etcdctl, endpoint, health]\n      interval: 5s\n      timeout: 6s\n      start_period: 30s",
		check:  eachContainer(checkHealth),
	},
	{
		ID: "log-not-rotated", Severity: Warning,
		Title:  "the log grows for ever",
		Why:    "a full disk stops etcd, and with it whatever else is on the disk",
		Source: docsLogging,
		Bad:    "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.16",
		Good:   "    logging:\n      driver: json-file\n      options: {max-size: 10m, max-file: \"3\"}",
		check:  eachContainer(checkLog),
	},
	{
		ID: "no-restart-policy", Severity: Warning,
		Title:  "nothing starts a member again",
		Why:    "after a crash, or when the machine has restarted, the member stays away",
		Source: docsCompose + "#restart",
		Bad:    "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.16",
		Good:   "    restart: unless-stopped",
		check:  eachContainer(checkRestart),
	},
	{
		ID: "container-name-fixed", Severity: Note,
		Title:  "the container's name is fixed",
		Why:    "a second copy of the project can't start beside the first, and a name that anything else has taken stops it",
		Source: docsCompose + "#container_name",
		Bad:    "  etcd1:\n    container_name: etcd1",
		Good:   "  etcd1: {}   # others reach it by the service's name all the same",
		Cuts:   "whoever calls the container by that name from outside of the project, such as scripts",
		check:  checkContainerName,
	},
	{
		ID: "depends-on-started", Severity: Note,
		Title:  "something waits for etcd to start, not to serve",
		Why:    "it finds a port that is closed, or a member without a leader, and fails or retries",
		Source: docsCompose + "#depends_on",
		Bad:    "  app:\n    depends_on: [etcd]",
		Good:   "  app:\n    depends_on:\n      etcd: {condition: service_healthy}",
		check:  checkDependsOn,
	},
	{
		ID: "not-confined", Severity: Note, Choice: true,
		Title:  "the container may do everything that containers may",
		Why:    "etcd needs its data folder, its ports and nothing else: whoever takes it over gets the rest too",
		Source: "https://docs.docker.com/engine/security/",
		Bad:    "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.16",
		Good:   "    read_only: true\n    cap_drop: [ALL]\n    security_opt: [\"no-new-privileges:true\"]",
		check:  eachContainer(checkConfined),
	},
	{
		ID: "version-obsolete", Severity: Note,
		Title:  "the file has a version",
		Why:    "Compose ignores it, and says so at every command",
		Source: "https://docs.docker.com/reference/compose-file/version-and-name/",
		Bad:    "version: \"3\"\nservices: …",
		Good:   "services: …",
		check:  checkVersionKey,
	},
}

// lacksShell tells whether the official image of a release has no shell: since
// 3.4.23 and 3.5.7 it has nothing but etcd's own programs.
func (m *Member) lacksShell() bool {
	v, ok := m.Release.version()
	if m.Container.image.maker == packed {
		return true
	}
	if m.Container.image.maker != upstream || !ok {
		return m.Container.image.maker == upstream && m.Release.Major == 3 && m.Release.Minor > 5
	}
	last := cluster.Version{Minor: 4, Patch: 22} // with a shell
	if v.Minor == 5 {
		last = cluster.Version{Minor: 5, Patch: 6}
	}
	return v.Compare(last) > 0
}

func checkHealthShell(m *Member, c *Container, r *reporter) {
	if !c.Health.given || c.Health.disabled || len(c.Health.test) < 2 || !m.lacksShell() {
		return
	}
	form, program := c.Health.test[0], path.Base(c.Health.test[1])
	needs := ""
	switch {
	case form == "CMD-SHELL":
		needs = "a shell"
	case form == "CMD" && !slices.Contains([]string{"etcd", "etcdctl", "etcdutl"}, program):
		needs = program
	}
	if needs == "" {
		return
	}
	f := found{
		at: c.Health.at, message: fmt.Sprintf("the health check needs %s, which the official image of %s lacks", needs, m.Release),
		remedy: "write it without a shell: test: [CMD, etcdctl, endpoint, health]",
	}
	if words := m.withoutShell(c.Health.test); words != nil {
		f.remedy, f.fix = "write it without a shell: test: "+flowList(words), func(e *editor) { e.setWords(c.Health.v, words) }
	}
	r.in(m, f)
}

func checkHealthFiles(m *Member, c *Container, r *reporter) {
	if !c.image.isEtcd || c.Built || c.Health.disabled {
		return
	}
	words := strings.Fields(strings.Join(c.Health.test, " "))
	for i, w := range words {
		flag, file, ok := strings.Cut(w, "=")
		if !slices.Contains([]string{"--cacert", "--cert", "--key"}, flag) {
			continue
		}
		if !ok && i+1 < len(words) {
			file = words[i+1]
		}
		if _, mounted := c.mountAt(file); path.IsAbs(file) && !mounted && !unknown(file) {
			r.in(m, found{
				at: c.Health.at, message: fmt.Sprintf("the health check reads %s, and nothing is mounted there", file),
				remedy: "mount the folder, or name the files that are mounted",
			})
			return
		}
	}
}

// checkWaiting looks for members that never start.
func checkWaiting(s *Stack, r *reporter) {
	for _, group := range s.clusters() {
		started := startedOf(group)
		for _, m := range group {
			if m.Container == nil || started[m.Service] {
				continue
			}
			i := slices.IndexFunc(m.Container.DependsOn, func(d dependency) bool { return d.waitsIn(group) })
			if i < 0 {
				continue
			}
			d := m.Container.DependsOn[i]
			r.in(m, found{
				at: d.at, message: fmt.Sprintf("%s waits until %s is healthy, which needs %d of %d members to run", m.Service, d.service, size(group)/2+1, size(group)),
				remedy: "let members start together: without depends_on among them",
			})
		}
	}
}

// startedOf starts the members of a cluster in thought: one starts when all
// that it waits for are healthy, and a member is healthy when most of them run.
func startedOf(group []*Member) map[string]bool {
	started := map[string]bool{}
	for progress := true; progress; {
		progress = false
		healthy := 2*len(started) > size(group)
		for _, m := range group {
			if !started[m.Service] && m.Container != nil && (healthy || waitsForNone(m, group)) {
				started[m.Service], progress = true, true
			}
		}
	}
	return started
}

func waitsForNone(m *Member, group []*Member) bool {
	return !slices.ContainsFunc(m.Container.DependsOn, func(d dependency) bool { return d.waitsIn(group) })
}

// waitsIn tells whether a dependency waits for the health of one of a cluster.
func (d dependency) waitsIn(group []*Member) bool {
	return d.condition == "service_healthy" && slices.ContainsFunc(group, func(m *Member) bool { return m.Service == d.service })
}

func checkHealth(m *Member, c *Container, r *reporter) {
	// Swarm gives a task no name before its check passes: one that needs the others keeps
	// them from ever finding each other.
	swarm := c.v.get("deploy", "placement").kind != null
	if c.Health.given && !c.Health.disabled || c.Built || !c.image.isEtcd || swarm {
		return
	}
	f := found{message: "there is no health check", remedy: "add a healthcheck with test: [CMD, etcdctl, endpoint, health], and with TLS --cacert, --cert and --key"}
	if c.v.get("healthcheck").kind == null && c.image.maker == upstream && m.beyondLoopback("listen-client-urls") && !m.hasTLS("listen-client-urls") && slices.Contains(m.clientPorts(), defaultClientPort) {
		f.fix = func(e *editor) {
			e.insertKey(c.own, "healthcheck:", "  test: [CMD, /usr/local/bin/etcdctl, endpoint, health]", "  interval: 5s", "  timeout: 6s", "  retries: 5", "  start_period: 30s")
		}
	}
	r.in(m, f)
}

func checkLog(m *Member, c *Container, r *reporter) {
	if c.LogDriver != "" && c.LogDriver != "json-file" || c.LogOptions["max-size"] != "" {
		return
	}
	f := found{
		at: c.v.get("logging").at, message: "the log is not rotated",
		remedy: "set logging: {driver: json-file, options: {max-size: 10m, max-file: \"3\"}}",
	}
	if c.v.get("logging").kind == null {
		f.at = Place{}
		f.fix = func(e *editor) {
			e.insertKey(c.own, "logging:", "  driver: json-file", "  options:", "    max-size: 10m", "    max-file: \"3\"")
		}
	}
	r.in(m, f)
}

func checkRestart(m *Member, c *Container, r *reporter) {
	if c.Restart != "" && c.Restart != "no" || c.Replicas || m.Ours {
		return
	}
	f := found{message: "there is no restart policy", remedy: "set restart: unless-stopped"}
	if e, ok := c.v.find("restart"); ok {
		f.at = e.at
		if e.value.kind == scalar {
			f.fix = func(ed *editor) { ed.setScalar(e.value, "unless-stopped") }
		}
	} else {
		f.fix = func(e *editor) { e.insertKey(c.own, "restart: unless-stopped") }
	}
	r.in(m, f)
}

func checkContainerName(s *Stack, r *reporter) {
	if s.Kind != ComposeProject {
		return
	}
	for _, m := range s.Members {
		e, ok := m.Container.v.find("container_name")
		if !ok || e.value.kind != scalar {
			continue
		}
		f := found{at: e.at, message: "the container's name is fixed to " + e.value.text, remedy: "leave container_name out: the service's name is how others reach it"}
		if !s.speaksOf(m.Container.ContainerName, m.Container) {
			f.fix = func(ed *editor) { ed.deleteKey(e) }
		}
		r.in(m, f)
	}
}

// speaksOf tells whether anything in the project has a container's name in it
// that is not its service's too.
func (s *Stack) speaksOf(name string, but *Container) bool {
	if name == but.Service || name == but.Hostname {
		return false
	}
	for _, d := range s.docs {
		if countWord(string(d.data), name) > 1 {
			return true
		}
	}
	return false
}

// countWord counts how often a name stands in a text by itself, and not as part
// of a longer one.
func countWord(text, name string) int {
	n := 0
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return n
		}
		before, after := at+i-1, at+i+len(name)
		if (before < 0 || !isNameByte(text[before])) && (after >= len(text) || !isNameByte(text[after])) {
			n++
		}
		at += i + len(name)
	}
}

func isNameByte(b byte) bool {
	return b == '-' || b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

func checkDependsOn(s *Stack, r *reporter) {
	members := map[string]*Member{}
	for _, m := range s.Members {
		members[m.Service] = m
	}
	for _, c := range s.Containers {
		if members[c.Service] != nil {
			continue
		}
		for _, d := range c.DependsOn {
			if members[d.service] == nil || d.condition != "" && d.condition != "service_started" {
				continue
			}
			r.add(c.Service, found{
				at: d.at, message: fmt.Sprintf("%s waits until %s has started, not until it serves", c.Service, d.service),
				remedy: fmt.Sprintf("write depends_on: {%s: {condition: service_healthy}}", d.service),
			})
		}
	}
}

func checkConfined(m *Member, c *Container, r *reporter) {
	if !c.ReadOnly && len(c.CapDrop) == 0 {
		r.in(m, found{
			message: "the root file system is writable, and no capability is dropped",
			remedy:  "set read_only: true, cap_drop: [ALL] and security_opt: [\"no-new-privileges:true\"]",
		})
	}
}

func checkVersionKey(s *Stack, r *reporter) {
	for _, d := range s.docs {
		root := d.seen[d.root]
		if e, ok := root.find("version"); ok && len(s.Members) > 0 {
			r.add("", found{
				at: e.at, message: "version is obsolete", remedy: "leave it out",
				fix: func(ed *editor) { ed.deleteKey(e) },
			})
		}
	}
}
