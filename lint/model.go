package lint

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/loopback"
)

// Kind is the form of a description.
type Kind string

// The kinds of descriptions.
const (
	ComposeProject Kind = "Compose project"
	Containers     Kind = "containers"
	Procfile       Kind = "Procfile"
	Systemd        Kind = "systemd units"
	ConfigFile     Kind = "etcd configuration"
	EnvFile        Kind = "environment file"
)

// Stack is one description that was read: what runs together.
type Stack struct {
	Kind    Kind
	Name    string
	Files   []string
	Members []*Member
	// Containers are all containers of the description, members or not.
	Containers []*Container
	// Off are the rules that the description itself switches off.
	Off []string
	// Unread are files that the description names and that could not be read.
	Unread []error

	root *value // of a Compose project
	docs []*document

	// What rules ask for again and again, once it is known.
	groups   [][]*Member
	members  map[string]bool // by name
	names    map[string]*Container
	families map[string]int
	// partly tells that there are members which are not among Members.
	partly bool
}

// Member is one process of etcd, as described.
type Member struct {
	Service  string // of its service, container, process or unit
	Settings []Setting
	Release  Release
	// Container is nil for a process on a machine.
	Container *Container
	// Ours tells that etcdctr made the description: what it only does when it
	// is asked to by name, such as a single member, is no finding.
	Ours bool
	// Home is the folder that relative paths are meant from; empty if unknown.
	Home string
	At   Place
	// Anywhere tells that nothing says where it runs: who reaches it is unknown.
	Anywhere bool

	host settingsHost
	off  []string // rules that its service switches off
	// blind tells that its settings could not be read.
	blind bool
}

// Form is how a setting is given.
type Form string

// The forms of settings.
const (
	Flag     Form = "flag"
	Variable Form = "variable"
	Key      Form = "key" // of etcd's configuration file
)

// Setting is one setting of a member.
type Setting struct {
	cluster.Setting
	Form    Form
	Written string // the name as it is written
	At      Place

	entry *variable // where a variable is written
	key   *value    // the value of a key
}

// find gives a setting that has a value. Of several, etcd takes the flag that
// comes last.
func (m *Member) find(name string) (Setting, bool) {
	for i := len(m.Settings) - 1; i >= 0; i-- {
		if s := m.Settings[i]; s.Name == name && s.Value != "" {
			return s, true
		}
	}
	return Setting{}, false
}

func (m *Member) get(name string) string {
	s, _ := m.find(name)
	return s.Value
}

func (m *Member) isTrue(name string) bool {
	on, err := strconv.ParseBool(m.get(name))
	return err == nil && on
}

// at is where a setting stands, or else the member.
func (m *Member) at(name string) Place {
	if s, ok := m.find(name); ok {
		return s.At
	}
	return m.At
}

// name is what the member calls itself.
func (m *Member) name() string {
	if n := m.get("name"); n != "" {
		return n
	}
	return "default" // etcd's own
}

// unknown tells whether a value has a part that only turns up when it runs.
func unknown(value string) bool { return strings.Contains(value, "$") }

// urls are a setting's URLs that can be read.
func (m *Member) urls(name string) []*url.URL { return readURLs(m.get(name)) }

func readURLs(list string) []*url.URL {
	var out []*url.URL
	for _, one := range strings.Split(list, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err == nil && u.Host != "" && !unknown(one) {
			out = append(out, u)
		}
	}
	return out
}

// peer is one entry of an initial-cluster.
type peer struct {
	name, url string
}

// initialCluster reads the list as etcd does.
func (m *Member) initialCluster() []peer {
	var out []peer
	for _, one := range strings.Split(m.get("initial-cluster"), ",") {
		if name, u, ok := strings.Cut(strings.TrimSpace(one), "="); ok {
			out = append(out, peer{name, u})
		}
	}
	return out
}

// Defaults of etcd for what is not set.
const (
	defaultClientPort = 2379
	defaultPeerPort   = 2380
)

// ports gives the ports that a listener setting opens, and the default if it
// opens none that can be read.
func (m *Member) ports(name string, otherwise int) []int {
	var out []int
	for _, u := range m.urls(name) {
		if p, err := strconv.Atoi(u.Port()); err == nil {
			out = append(out, p)
		}
	}
	if out == nil {
		out = []int{otherwise}
	}
	return out
}

func (m *Member) clientPorts() []int { return m.ports("listen-client-urls", defaultClientPort) }
func (m *Member) peerPorts() []int   { return m.ports("listen-peer-urls", defaultPeerPort) }

// beyondLoopback tells whether a listener answers more than the member's own
// machine or container. etcd's default listens on loopback only.
func (m *Member) beyondLoopback(setting string) bool {
	for _, u := range m.urls(setting) {
		if !loopback.Host(u.Hostname()) {
			return true
		}
	}
	return unknown(m.get(setting))
}

func isUnspecified(host string) bool { return host == "0.0.0.0" || host == "::" || host == "" }

// hasTLS tells whether a listener speaks TLS. Without a URL that says so it is
// etcd's default, which is plain.
func (m *Member) hasTLS(setting string) bool {
	for _, u := range m.urls(setting) {
		if u.Scheme != "https" && u.Scheme != "unixs" {
			return false
		}
	}
	return m.get(setting) != "" && (len(m.urls(setting)) > 0 || strings.Contains(m.get(setting), "https://"))
}

// clientsShowCertificates tells whether a client needs a certificate. A trusted
// authority alone asks for one already.
func (m *Member) clientsShowCertificates() bool {
	if !m.hasTLS("listen-client-urls") || m.isTrue("auto-tls") && m.get("cert-file") == "" {
		return false
	}
	return m.isTrue("client-cert-auth") || m.get("trusted-ca-file") != ""
}

func (m *Member) peersShowCertificates() bool {
	if !m.hasTLS("listen-peer-urls") || m.isTrue("peer-auto-tls") && m.get("peer-cert-file") == "" {
		return false
	}
	return m.isTrue("peer-client-cert-auth") || m.get("peer-trusted-ca-file") != ""
}

// dataDir is where the data is, absolute if that is known.
func (m *Member) dataDir() string {
	dir := m.get("data-dir")
	if dir == "" {
		if m.Container != nil && m.Container.image.maker == bitnami {
			return bitnamiData
		}
		dir = m.name() + ".etcd"
	}
	if !path.IsAbs(dir) && m.Home != "" && !unknown(dir) {
		dir = path.Join(m.Home, dir)
	}
	return dir
}

// Container is a container, as far as it matters to etcd in it.
type Container struct {
	Service       string
	ContainerName string
	Hostname      string
	Names         []string // by which others reach it
	Image         string
	Built         bool
	Entrypoint    []word
	Command       []word
	Script        bool // Command is a string, which no shell sees all the same
	Variables     []*variable
	Ports         []port
	Mounts        []mount
	Networks      []string
	NetworkMode   string
	Health        health
	DependsOn     []dependency
	Restart       string
	Replicas      bool // deploy says how it is restarted
	LogDriver     string
	LogOptions    map[string]string
	ReadOnly      bool
	CapDrop       []string
	SecurityOpt   []string
	User          string
	WorkingDir    string
	Labels        map[string]string
	At            Place

	image     imageName
	imageUser func(image string) string // see Options
	failed    bool                      // it ended with an error, as its engine says
	v         *value                    // of its service
	own       *value                    // as written in the file itself
}

type word struct {
	text string
	at   Place
}

// variable is one of an environment. One without a value is taken from the
// environment of whoever starts the container.
type variable struct {
	name, value string
	set         bool
	at          Place
	entry       entry  // in a mapping
	item        *value // in a list
	in          *value // the mapping or list
	file        *document
	line        int // in an environment file
}

type port struct {
	hostIP    string
	published string
	target    int
	at        Place
	v         *value
	in        *value
}

type mount struct {
	kind     string // volume, bind, tmpfs
	source   string
	target   string
	readOnly bool
	at       Place
	v        *value
}

type health struct {
	test     []string
	disabled bool
	given    bool
	at       Place
	v        *value // the test, where it may be edited
}

type dependency struct {
	service   string
	condition string // empty in the short form
	at        Place
	v         *value
	in        *value
}

// mountAt gives the mount that holds a path.
func (c *Container) mountAt(p string) (mount, bool) {
	var found mount
	ok := false
	for _, m := range c.Mounts {
		if inFolder(p, m.target) && (!ok || len(m.target) >= len(found.target)) {
			found, ok = m, true
		}
	}
	return found, ok
}

// inFolder tells whether p is dir or in it.
func inFolder(p, dir string) bool {
	p, dir = path.Clean(p), path.Clean(dir)
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}
