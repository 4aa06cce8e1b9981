package cluster

import (
	"fmt"
	"io"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Discovery is a discovery service as the members of a new cluster use it.
// Each registers its peer URL under a shared token and waits until as many
// have registered as the token is for.
type Discovery struct {
	// Token names the new cluster; it becomes its cluster token.
	Token string
	// Endpoints are the URLs of a v3 service, empty for a v2 one.
	Endpoints []string
	// URL is a v2 service's, the token included; empty for a v3 one.
	URL string

	// Server is the service that the stack brings along, a cluster of one; nil
	// for an existing service.
	Server *Member
	// Credentials are what members show an existing service.
	Credentials DiscoveryCredentials
	// Network is the Docker network on which members reach an existing
	// service; empty for one that leads out of the stack.
	Network string

	// User, if not empty, is who etcdctr is to an existing v3 service. etcd
	// would print its password, so etcdctr registers the members: see ByProxy.
	User string
	// PasswordFile holds User's password, on the machine of etcdctr.
	PasswordFile string
}

// DiscoveryCredentials are files; each may be empty.
type DiscoveryCredentials struct {
	CACert string // verifies the service; empty: the system's authorities
	Cert   string // shown to a v3 service, whose user is its common name
	Key    string
}

// In gives the places that the files have in a folder of their own; an empty
// one leaves them where they are.
func (d DiscoveryCredentials) In(dir string) DiscoveryCredentials {
	at := func(file, name string) string {
		if file == "" || dir == "" {
			return file
		}
		return path.Join(dir, name)
	}
	return DiscoveryCredentials{at(d.CACert, "ca.crt"), at(d.Cert, "tls.crt"), at(d.Key, "tls.key")}
}

// Registry is where a discovery service keeps its tokens; etcd's own choice.
const Registry = "/_etcd/registry"

// SizeKey holds how many members a token is for.
func (d *Discovery) SizeKey() string { return path.Join(Registry, d.Token, "_config/size") }

// TokenPrefix is what all keys of the token begin with.
func (d *Discovery) TokenPrefix() string { return path.Join(Registry, d.Token) + "/" }

// V2 tells that members speak the protocol of etcd 2.
func (d *Discovery) V2() bool { return d.URL != "" }

// ByMembers tells that the members of a cluster use an existing service
// themselves.
func (d *Discovery) ByMembers() bool { return d.Server == nil && !d.ByProxy() }

// ByProxy tells that etcdctr registers the members: they start as static ones
// and know of no service.
func (d *Discovery) ByProxy() bool { return d.User != "" }

// Service names of what a stack brings along for discovery.
const (
	DiscoveryServerName = "discovery"       // the service
	DiscoveryOpenName   = "discovery-open"  // has it take registrations
	DiscoveryGuardName  = "discovery-guard" // closes it once the cluster is up
)

// discovery decides how members find their discovery service.
func (r *resolver) discovery(c *Cluster, place Placement) {
	s := r.spec
	if c.Bootstrap != ByDiscovery {
		r.refuseKeys("has no effect without bootstrap: discovery: set that, or leave it out",
			append(serviceKeys, "discovery-endpoints", "discovery-url", "discovery-token")...)
		return
	}
	r.refuseKeys("has no effect with bootstrap: discovery, where the discovery token takes its place: leave it out", "initial-cluster-token")
	c.Discovery = &Discovery{
		Token:        s.DiscoveryToken,
		URL:          s.DiscoveryURL,
		Credentials:  DiscoveryCredentials{s.DiscoveryCACert, s.DiscoveryCert, s.DiscoveryKey},
		Network:      s.DiscoveryNetwork,
		User:         s.DiscoveryUser,
		PasswordFile: s.DiscoveryPasswordFile,
	}
	switch s.way(c.Bootstrap) {
	case ByDiscoveryV2:
		r.v2Service(c.Discovery)
	case ByDiscoveryV3:
		r.v3Service(c.Discovery)
	default:
		r.refuseKeys("belongs to an existing discovery service: name that by discovery-endpoints or discovery-url, or leave it out", serviceKeys...)
		r.ownService(c, place)
	}
}

// serviceKeys say how an existing discovery service is reached.
var serviceKeys = []string{
	"discovery-cacert", "discovery-cert", "discovery-key", "discovery-user", "discovery-password-file", "discovery-network",
}

// refuseKeys reports each of the keys that is given.
func (r *resolver) refuseKeys(why string, keys ...string) {
	spec := reflect.ValueOf(r.spec)
	for _, key := range keys {
		if field, ok := fieldByKey(spec, key); ok && field.String() != "" {
			r.report(key, "%s", why)
		}
	}
}

// v2Service checks an existing service of the v2 protocol. Its URL says all.
func (r *resolver) v2Service(d *Discovery) {
	r.refuseKeys("belongs to a v3 discovery service, and discovery-url names a v2 one: leave one of the two out",
		"discovery-endpoints", "discovery-token", "discovery-user", "discovery-password-file", "discovery-cert", "discovery-key")
	u, err := url.Parse(d.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") == "" || u.User != nil {
		r.report("discovery-url", "must be a URL that ends in the token, such as https://discovery.example.com/TOKEN or "+
			"http://HOST:2379/v2/keys%s/TOKEN, without user and password", Registry)
		return
	}
	d.Token = path.Base(u.Path)
}

// v3Service checks an existing service of the v3 protocol.
func (r *resolver) v3Service(d *Discovery) {
	r.discoveryToken(d.Token, "`etcdctr discovery new` registers one")
	if d.Network != "" {
		r.warn("discovery-network", "on %s the members are known by their names too: no other stack on it may have members of the same names", d.Network)
	}
	secure := d.Credentials.CACert != "" || d.Credentials.Cert != ""
	for _, e := range strings.Split(r.spec.DiscoveryEndpoints, ",") {
		r.discoveryEndpoint(e, secure)
		d.Endpoints = append(d.Endpoints, e)
	}
	if (d.Credentials.Cert == "") != (d.Credentials.Key == "") {
		r.report("discovery-cert", "goes with discovery-key: give both, or neither")
	}
	if (d.User == "") != (d.PasswordFile == "") {
		r.report("discovery-user", "goes with discovery-password-file: give both, or neither")
	}
}

// discoveryEndpoint refuses a scheme that contradicts the TLS files: etcd goes
// by the files, and then says only that nobody answers.
func (r *resolver) discoveryEndpoint(endpoint string, secure bool) {
	const key = "discovery-endpoints"
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Port() == "" || u.Path != "" || u.User != nil:
		r.report(key, "%q must be a URL with a port and nothing behind it, such as https://discovery.example.com:2379", endpoint)
	case u.Scheme == "http" && secure:
		r.report(key, "%s is plain text, and discovery-cacert or discovery-cert ask for TLS: write https, or leave the files out", endpoint)
	}
}

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (r *resolver) discoveryToken(token, remedy string) {
	const key = "discovery-token"
	if token == "" {
		r.report(key, "is missing: %s", remedy)
	} else if len(token) < 8 || len(token) > 128 || !tokenPattern.MatchString(token) {
		r.report(key, "%q must be 8 to 128 letters, digits, hyphens and underscores", token)
	}
}

// NewDiscoveryToken makes a token that no cluster has used: 128 random bits in
// hexadecimal, the form of etcd's public discovery service.
func NewDiscoveryToken(random io.Reader) (string, error) {
	var bits [16]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", fmt.Errorf("cannot make a discovery token: %w", err)
	}
	return fmt.Sprintf("%x", bits), nil
}

// WantsFreshToken tells that the stack's own discovery service is to be used
// and that nothing is said of the token, which then has to be a fresh one.
func (s Spec) WantsFreshToken() bool {
	return s.way(Bootstrap(s.Bootstrap)) == ByOwnDiscovery && s.DiscoveryToken == ""
}

// ownService makes the service that the stack brings along, with the cluster's
// TLS mode. etcd 3.5 knows the v2 protocol only, and serves it too.
func (r *resolver) ownService(c *Cluster, place Placement) {
	d := c.Discovery
	r.discoveryToken(d.Token, "every new cluster takes a fresh one, see NewDiscoveryToken")
	if !inContainers(c) && !supervised(c) {
		r.report("bootstrap", "discovery brings its service along only where etcdctr or Compose runs the whole stack on one machine: "+
			"name an existing one by discovery-endpoints, or use bootstrap: static")
		c.Discovery = nil // there is none to speak of any further
		return
	}
	m := Member{Name: DiscoveryServerName, Place: c.placeBeside(DiscoveryServerName, place)}
	if m.Place.Known {
		m.Place.settle(c.Subnets, discoveryOffset-memberOffset)
	}
	service := endpoint(c.TLS, m.Place.Host, m.Place.ClientPort)
	alone := endpoint(c.TLS, "127.0.0.1", m.Place.PeerPort)
	m.Settings = append(Settings{
		{"name", m.Name},
		{"data-dir", m.Place.DataDir},
		{"listen-client-urls", endpoint(c.TLS, m.Place.Listen.String(), m.Place.ClientPort)},
		{"advertise-client-urls", service},
		{"listen-peer-urls", alone},
		{"initial-advertise-peer-urls", alone},
		{"initial-cluster", m.Name + "=" + alone},
		{"initial-cluster-token", d.Token},
	}, r.tlsSettings(m, c.TLS)...)
	d.Endpoints = []string{service}
	if c.Etcd.Minor == 5 {
		d.Endpoints, d.URL = nil, service+path.Join("/v2/keys", Registry, d.Token)
		m.Settings = append(m.Settings.without("client-cert-auth", "trusted-ca-file", "client-crl-file"), Setting{"enable-v2", "true"})
	}
	m.Settings = append(m.Settings, Setting{"log-level", r.profile.logLevel})
	d.Server = &m
}

// discoverySettings tell a member of its discovery service. After its first
// start it goes by its data and ignores them.
func discoverySettings(c *Cluster, m Member) Settings {
	d := c.Discovery
	if d.V2() {
		s := Settings{{"discovery", d.URL}}
		if c.Etcd.Minor == 5 {
			// Its default makes a member too many a proxy, without a word.
			s = append(s, Setting{"discovery-fallback", "exit"})
		}
		return append(s, Setting{"initial-cluster-state", "new"})
	}
	s := Settings{
		{"discovery-token", d.Token},
		{"discovery-endpoints", strings.Join(d.Endpoints, ",")},
	}
	s = append(s, discoveryTLS(c, m)...)
	return append(s, Setting{"initial-cluster-state", "new"})
}

// discoveryTLS secures a member's connection with a v3 service. Without
// discovery-insecure-transport=false etcd speaks plain text whatever the
// endpoint's scheme, unless there is a file.
func discoveryTLS(c *Cluster, m Member) Settings {
	d := c.Discovery
	files := d.Credentials.In(m.Place.DiscoveryDir)
	switch {
	case d.Server != nil && c.TLS == AutoTLS:
		return Settings{{"discovery-insecure-transport", "false"}, {"discovery-insecure-skip-tls-verify", "true"}}
	case d.Server != nil && c.TLS == Mutual:
		files = DiscoveryCredentials{
			CACert: path.Join(m.Place.CertsDir, "server", "ca.crt"),
			Cert:   path.Join(m.Place.CertsDir, "server", "tls.crt"),
			Key:    path.Join(m.Place.CertsDir, "server", "tls.key"),
		}
	}
	if len(d.Endpoints) == 0 || !strings.HasPrefix(d.Endpoints[0], "https:") {
		return nil
	}
	s := Settings{{"discovery-insecure-transport", "false"}}
	for _, f := range []Setting{{"discovery-cacert", files.CACert}, {"discovery-cert", files.Cert}, {"discovery-key", files.Key}} {
		if f.Value != "" {
			s = append(s, f)
		}
	}
	return s
}

// discoveryEnvironment is what a member's process needs besides its settings:
// a v2 client verifies its service by the system's authorities, which Go looks
// for where SSL_CERT_FILE says.
func discoveryEnvironment(c *Cluster, m Member) map[string]string {
	d := c.Discovery
	if d == nil || !d.V2() {
		return nil
	}
	ca := d.Credentials.In(m.Place.DiscoveryDir).CACert
	if d.Server != nil && c.TLS == Mutual {
		ca = path.Join(m.Place.CertsDir, "server", "ca.crt")
	}
	if ca == "" {
		return nil
	}
	return map[string]string{"SSL_CERT_FILE": ca}
}

// Variables are the environment in which etcdctl asks the service, beside the
// members.
func (d *Discovery) Variables() []Variable {
	if d.Server == nil {
		files := d.Credentials.In(ContainerDiscoveryDir)
		return append(clientVariables(strings.Join(d.Endpoints, ",")), setOnly(
			Variable{"ETCDCTL_CACERT", files.CACert}, Variable{"ETCDCTL_CERT", files.Cert}, Variable{"ETCDCTL_KEY", files.Key})...)
	}
	if d.V2() {
		cert := d.Server.Settings.Get("cert-file")
		vars := []Variable{{"ETCDCTL_API", "2"}, {"ETCDCTL_ENDPOINTS", d.Server.ClientURL()}}
		if cert != "" {
			vars = append(vars, Variable{"ETCDCTL_CA_FILE", path.Join(path.Dir(cert), "ca.crt")})
		}
		return vars
	}
	return append([]Variable{{"ETCDCTL_ENDPOINTS", d.Server.ClientURL()}}, d.Server.etcdctl()...)
}

// clientVariables has etcdctl speak TLS where the endpoints do: it goes by the
// files otherwise.
func clientVariables(endpoints string) []Variable {
	vars := []Variable{{"ETCDCTL_ENDPOINTS", endpoints}}
	if strings.HasPrefix(endpoints, "https:") {
		vars = append(vars, Variable{"ETCDCTL_INSECURE_TRANSPORT", "false"})
	}
	return vars
}

func setOnly(vars ...Variable) []Variable {
	return slices.DeleteFunc(vars, func(v Variable) bool { return v.Value == "" })
}
