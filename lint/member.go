package lint

import (
	"cmp"
	"path"
	"regexp"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file finds the members among containers and processes: by what they
// run, then by their image, then by their environment.

// roleLabel is on every container of etcdctr's own descriptions.
const roleLabel = "io.etcdctr.role"

// helps tells whether etcdctr made a container for something else than to be a
// member: its discovery service holds a dozen keys, and what prepares it shares
// its files.
func (c *Container) helps() bool {
	role := c.Labels[roleLabel]
	return role != "" && role != "member"
}

// etcdProgram matches etcd's program: etcd, etcd-v3.5.9, etcd.exe.
var etcdProgram = regexp.MustCompile(`^etcd(-?v?[0-9][0-9.]*)?(\.exe)?$`)

// etcdAmong picks etcd out of what a command line runs.
func etcdAmong(all []invocation, flagsAlone bool) (invocation, bool) {
	for _, one := range all {
		if isRunOfEtcd(&one) || one.program == "" && flagsAlone {
			return one, true
		}
	}
	return invocation{}, false
}

// isRunOfEtcd tells whether etcd is run, also as `etcdctr etcd`, whose first
// word is taken away then.
func isRunOfEtcd(one *invocation) bool {
	if strings.HasPrefix(one.program, "etcdctr") && len(one.arguments) > 0 && one.arguments[0].text == "etcd" {
		one.arguments, one.ours = one.arguments[1:], true
		return true
	}
	if len(one.arguments) > 0 && (one.arguments[0].text == "grpc-proxy" || one.arguments[0].text == "gateway") {
		return false // etcd's own proxies keep nothing
	}
	return etcdProgram.MatchString(one.program)
}

// wrapper matches scripts of images that in the end run what follows them, or
// etcd if nothing does.
var wrapper = regexp.MustCompile(`(?i)(entrypoint|run|start|setup)[a-z-]*(\.sh)?$`)

func throughWrappers(words []word) []word {
	for len(words) > 0 && wrapper.MatchString(path.Base(words[0].text)) {
		words = words[1:]
	}
	return words
}

// memberIn tells whether a container runs a member, and which.
func memberIn(c *Container) (*Member, bool) {
	words := throughWrappers(append(append([]word{}, c.Entrypoint...), c.Command...))
	all := invocations(words)
	run, found := etcdAmong(all, c.image.isEtcd)
	switch {
	case found:
	case len(words) > 0 && (len(all) > 0 || !c.image.isEtcd):
		return nil, false // it runs something else
	case !c.image.isEtcd && !configuresMember(c.Variables):
		return nil, false
	}
	m := &Member{Service: c.Service, Container: c, At: c.At, Release: c.release()}
	m.Ours = c.Labels[roleLabel] != ""
	m.Settings = readFlags(run.arguments, c.flagPlace())
	m.Settings = append(m.Settings, readVariables(append(append([]*variable{}, c.Variables...), run.variables...), c.image.maker)...)
	m.Home = cmp.Or(c.WorkingDir, c.image.home(m.Release))
	m.host = settingsHost{environment: c.v.get("environment"), own: c.own}
	return m, true
}

// flagPlace finds a flag in a command line that was written as one text.
func (c *Container) flagPlace() func(string, Place) Place {
	return func(written string, at Place) Place {
		for _, key := range []string{"command", "entrypoint"} {
			if v := c.v.get(key); v.doc != nil {
				for _, s := range v.scalars() {
					if s.at == at {
						return s.locate(written)
					}
				}
			}
		}
		return at
	}
}

// release is what the image's tag, its build or a label says.
func (c *Container) release() Release {
	candidates := []string{c.image.tag, c.Labels["org.opencontainers.image.version"]}
	if !c.image.isEtcd {
		candidates = candidates[1:]
	}
	args := pairs(c.v.get("build", "args"))
	candidates = append(candidates, args["ETCD_VERSION"], args["ETCD_VER"])
	for _, one := range candidates {
		if r, ok := ParseRelease(one); ok {
			return r
		}
	}
	return Release{}
}

// memberVariables are those that only a member is told, and no client of one.
var memberVariables = map[string]bool{
	"ETCD_ADVERTISE_CLIENT_URLS": true, "ETCD_INITIAL_ADVERTISE_PEER_URLS": true, "ETCD_INITIAL_CLUSTER": true,
	"ETCD_INITIAL_CLUSTER_STATE": true, "ETCD_INITIAL_CLUSTER_TOKEN": true, "ETCD_LISTEN_CLIENT_URLS": true,
	"ETCD_LISTEN_PEER_URLS": true,
}

func configuresMember(vars []*variable) bool {
	n := 0
	for _, v := range vars {
		if name, _, _ := strings.Cut(v.name, ":"); memberVariables[name] {
			n++
		}
	}
	const enough = 2
	return n >= enough
}

// bitnamiVariables are read by bitnami's scripts.
var bitnamiVariables = regexp.MustCompile(`^ETCD_(ROOT_PASSWORD|ROOT_PASSWORD_FILE|ON_K8S|CLUSTER_DOMAIN|START_FROM_SNAPSHOT|` +
	`SNAPSHOT_[A-Z_]+|INIT_SNAPSHOT[A-Z_]*|DISASTER_RECOVERY|DISABLE_[A-Z_]+|NEW_MEMBERS_ENV_FILE|PREUPGRADE_[A-Z_]+|` +
	`BASE_DIR|BIN_DIR|CONF_DIR|CONF_FILE|DEFAULT_CONF_DIR|VOLUME_DIR|TMP_DIR|DAEMON_[A-Z_]+|CERT_DIR|[A-Z_]*_NAMESPACE|CLUSTER_SIZE|ACTIVE_DEADLINE_SECONDS|` +
	`EXTRA_AUTH_USERS[A-Z_]*|INITIAL_CLUSTER_[A-Z_]*FILE)$`)

// knownElsewhere are variables of etcd that are no flags.
var knownElsewhere = map[string]bool{"ETCD_UNSUPPORTED_ARCH": true, "ETCD_VERIFY": true}

// readVariables gives the settings among variables; of one that is there
// several times, the last.
func readVariables(vars []*variable, by maker) []Setting {
	last := map[string]int{}
	for i, v := range vars {
		last[v.name] = i
	}
	var out []Setting
	for i, v := range vars {
		if last[v.name] != i || !strings.HasPrefix(v.name, "ETCD_") || !isName(v.name) || !v.set ||
			knownElsewhere[v.name] || by == bitnami && bitnamiVariables.MatchString(v.name) {
			continue
		}
		out = append(out, Setting{
			Setting: cluster.Setting{Name: cluster.SettingName(v.name), Value: v.value},
			Form:    Variable, Written: v.name, At: v.at, entry: v,
		})
	}
	if by == bitnami {
		out = withDefaults(out)
	}
	return out
}

// bitnamiDefaults are what bitnami's scripts set if nothing else does.
var bitnamiDefaults = cluster.Settings{
	{Name: "listen-client-urls", Value: "http://0.0.0.0:2379"},
	{Name: "advertise-client-urls", Value: "http://127.0.0.1:2379"},
}

func withDefaults(settings []Setting) []Setting {
	have := map[string]bool{}
	for _, s := range settings {
		have[s.Name] = true
	}
	for _, d := range bitnamiDefaults {
		if !have[d.Name] {
			settings = append(settings, Setting{Setting: d, Form: Variable})
		}
	}
	return settings
}
