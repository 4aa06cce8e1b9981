package doctor

import (
	"regexp"
	"slices"
	"sync"
)

// rule recognises a line of etcd's log. In cause and in the remedy's value, $1
// stands for what the pattern's first group has found.
type rule struct {
	pattern *regexp.Regexp
	cause   string
	fault   fault  // where the remedy depends on the other members
	remedy  Remedy // where it does not
	symptom bool   // follows from something that another member may tell better
	// with is what another line of the log has to say as well; nil for nothing.
	with *regexp.Regexp
	// filtered says that it is of members with a firewall between them, see
	// Member.Filtered.
	filtered bool
	// looked says that whoever looks at the member's files sees it, if it is still so, see
	// Member.Looked.
	looked bool
}

// group is rules of one subject, with its title in docs/errors.md.
type group struct {
	title string
	rules func() []rule
}

// groups are ranked, as are the rules of each: what comes first explains what comes
// later. The texts are etcd's own, from 3.5 to 3.7, but for those of programs, which an
// engine says too.
var groups = []group{
	{"What the engine says", programRules},
	{"The machine", machineRules},
	{"Settings", settingRules},
	{"Certificates", certificateRules},
	{"Data", dataRules},
	{"Members that do not know each other", placeRules},
	{"What follows from something else", symptomRules},
}

// rules are those of all groups. They are compiled when a doctor is called.
var rules = sync.OnceValue(func() []rule {
	var all []rule
	for _, g := range groups {
		all = append(all, g.rules()...)
	}
	return all
})

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// recognise gives what the first of the rules that knows the text makes of it.
func recognise(rules []rule, m Member, text string) (candidate, bool) {
	for rank, r := range rules {
		match := r.pattern.FindStringSubmatchIndex(text)
		if match == nil || r.with != nil && !m.says(r.with) || r.filtered && m.Filtered == "" {
			continue
		}
		fill := func(template string) string {
			return string(r.pattern.ExpandString(nil, template, text, match))
		}
		if r.symptom {
			rank += rankSymptom
		}
		remedy := r.remedy
		remedy.Value = fill(remedy.Value)
		if r.filtered {
			remedy.Value = m.Filtered
		}
		if remedy.Kind.isOfMember() {
			remedy.Member = m.Name
		}
		return candidate{m.Name, r.fault, fill(r.cause), remedy, text, true, rank, r.looked}, true
	}
	return candidate{}, false
}

// says reports whether some line of a member's log matches.
func (m Member) says(pattern *regexp.Regexp) bool {
	return slices.ContainsFunc(m.Log, func(line string) bool { return pattern.MatchString(readEntry(line).text) })
}

// engineErrors are what Docker says when it can't start a container.
var engineErrors = sync.OnceValue(func() []rule {
	return append(programRules(), []rule{
		{
			pattern: re(`setting rlimit|setrlimit .*not permitted`),
			cause: "the engine gives containers more open files or processes than its machine lets it have itself: " +
				"set default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"], or up to what `ulimit -Hn` and `ulimit -Hu` say, " +
				"below [containers] in containers.conf, and start Podman's service again; on Docker Engine it is default-ulimits in daemon.json",
			remedy: Remedy{Kind: Up},
		},
		{
			pattern: re(`Bind for \S+:(\d+) failed: port is already allocated`),
			cause:   "its port $1 is taken by another container",
			remedy:  Remedy{Kind: LookAtEngine, Value: "$1"},
		},
		{ // Docker Engine 28 and later
			pattern: re(`failed to bind host port .*?:(\d\d+)(?:/|:)\S+: address already in use`),
			cause:   "something else listens on its port $1",
			remedy:  Remedy{Kind: LookAtPort, Value: "$1"},
		},
		{
			pattern: re(`listen tcp4? \S+:(\d+): bind: address already in use`),
			cause:   "something else listens on its port $1",
			remedy:  Remedy{Kind: LookAtPort, Value: "$1"},
		},
		{
			pattern: re(`bind source path does not exist: (\S+/(?:members|clients|servers)/[^/\s]+)$`),
			cause:   "its certificates are not in $1",
			remedy:  Remedy{Kind: CreateCerts},
		},
		{ // made anew it would be empty, which is what a member takes for having lost its data
			pattern: re(`bind source path does not exist: (\S+)`),
			cause: "the folder $1 that it is given is not there: bring it back, or mount the disk that it is on; " +
				"make it only if there never was anything in it",
		},
	}...)
})

// programRules are of programs that do not even start. Some engines say so where
// they start them, others in the log of what they take for started.
func programRules() []rule {
	return []rule{
		{
			pattern: re(`(?:exec|Exec) format error`),
			cause: "its etcd is for machines of another architecture than this one: give it an image, or a program, for this one, " +
				"such as that of `etcdctr image build`",
			remedy: Remedy{Kind: Up},
		},
		{ // an image without an entry point of its own takes the first argument for its program
			pattern: re(`exec:? "?(--config\.file=[^\s":]*)"?: (?:stat \S+: |executable file )?(?:no such file or directory|not found in \$PATH)`),
			cause:   "its image is not one of Prometheus, and has no program for $1: name one with --prometheus-image, or prometheus-image in the cluster file",
			remedy:  Remedy{Kind: Up},
		},
		{
			pattern: re(`exec:? "?([^\s":]+)"?: (?:stat \S+: |executable file )?(?:no such file or directory|not found in \$PATH)`),
			cause:   "its image has no program $1, or not the loader that it takes to run it: give it an image of etcd",
			remedy:  Remedy{Kind: Up},
		},
	}
}

// machineRules are of the machine and what the member may do on it.
func machineRules() []rule {
	return []rule{
		{
			pattern: re(`no space left on device`),
			cause:   "its disk is full",
			remedy:  Remedy{Kind: LookAtDisk},
		},
		{
			pattern: re(`cannot access (?:data|member) directory: .*read-only file system`),
			cause: "it may not write to its data directory, which is mounted read-only, or whose disk has become so after a fault: " +
				"the data is still there; take `:ro` or `read_only` off the mount, or look at the disk with `dmesg`",
		},
		{
			pattern: re(`(?:cannot access|failed to list) data directory: .*permission denied`),
			cause: "it may not write to its data directory, which belongs to another user: data that another image or another user has made, which is still there, " +
				"or a volume or folder that Docker has made, for root; run it as that user, which `user: \"0\"` in a Compose file says of root, " +
				"or give the folder with all in it to the user that it runs as, which is 65532 in images of `etcdctr image build`",
		},
		{
			pattern: re(`(?:open|mkdir) (\S*/member/\S+): permission denied`),
			cause: "it may not open $1: its data belongs to another user, and is still there; " +
				"run it as that user again, or give the folder with all in it to the user that it runs as now",
		},
		{
			pattern: re(`open sink "?([^"]+?)"?: .*(?:read-only file system|permission denied|no such file or directory)`),
			cause:   "it can't write its log to $1: a member has no other place of its own than its data folder; set log-outputs to a file in there, or leave it out",
			remedy:  Remedy{Kind: Up},
		},
		{
			pattern: re(`(?:mkdir|open|create) (\S+?):? read-only file system`),
			cause:   "it can't write to $1: a member has no other place of its own than its data folder; set wal-dir and the like to a folder in there, or leave it out",
			remedy:  Remedy{Kind: Up},
		},
		{
			pattern: re(`failed to create WAL: (?:mkdir|open) (\S+?)(?:\.tmp)?: `),
			cause:   "it can't make its write-ahead log in $1: a member has no other place of its own than its data folder; set wal-dir to a folder in there, or leave it out",
			remedy:  Remedy{Kind: Up},
		},
		{
			pattern: re(`listen tcp (\S+:(\d+)): bind: address already in use`),
			cause:   "something else listens on $1: end that, and it starts by itself",
			remedy:  Remedy{Kind: LookAtPort, Value: "$2"},
		},
		{
			pattern: re(`proxyconnect tcp|Proxy Authentication Required|unexpected status code from proxy`),
			cause: "it dials its peers through a proxy, which the variables HTTP_PROXY and HTTPS_PROXY name: " +
				"set NO_PROXY to * under environment",
			remedy: Remedy{Kind: Up},
		},
	}
}

// settingRules are of the settings of one member.
func settingRules() []rule {
	up := Remedy{Kind: Up}
	return []rule{
		{
			pattern: re(`conflicting environment variable is shadowed by corresponding command-line flag.*: (ETCD_\w+)`),
			cause:   "$1 is given as a variable and as a flag too, which etcd refuses: take one of them out", remedy: up,
		},
		{
			pattern: re(`flag provided but not defined: (\S+)`),
			cause:   "its etcd does not know the flag $1: take it out of the settings, or choose another etcd", remedy: up,
		},
		{
			pattern: re(`expected IP in URL for binding \(([^)]+)\)`),
			cause:   "it is to listen on $1, and etcd listens on addresses, not on names: take listen-client-urls and listen-peer-urls out of the settings", remedy: up,
		},
		{
			pattern: re(`--advertise-client-urls is required when --listen-client-urls is set explicitly`),
			cause:   "listen-client-urls is set without advertise-client-urls: set both or neither", remedy: up,
		},
		{
			pattern: re(`couldn't find local name "([^"]*)" in the initial cluster configuration`),
			cause:   `its name "$1" is not in initial-cluster: take name and initial-cluster out of the settings`, fault: notAdded,
		},
		{
			pattern: re(`--initial-cluster has (\S+) but missing from --initial-advertise-peer-urls`),
			cause:   "initial-cluster has it at $1, where it does not advertise itself: take initial-cluster and initial-advertise-peer-urls out of the settings", remedy: up,
		},
		{
			pattern: re(`--initial-advertise-peer-urls has (\S+) but missing from --initial-cluster`),
			cause:   "it advertises itself at $1, where initial-cluster does not have it: take initial-cluster and initial-advertise-peer-urls out of the settings", remedy: up,
		},
		{
			pattern: re(`initial cluster "?(\S+?)"? has duplicate url`),
			cause:   "initial-cluster has two members at the same URL ($1): give each its own", remedy: up,
		},
	}
}

// certificateRules are of the files, and of what the member dials.
func certificateRules() []rule {
	create, reload := Remedy{Kind: CreateCerts}, Remedy{Kind: ReloadCerts}
	return []rule{
		{
			pattern: re(`private key does not match public key`),
			cause:   "its certificate and its key don't belong together", remedy: create, looked: true,
		},
		{
			pattern: re(`open (\S+/(?:tls\.crt|tls\.key|ca\.crt|crl\.der)): no such file or directory`),
			cause:   "it does not find $1: its certificates are not where they were", remedy: create, looked: true,
		},
		{
			pattern: re(`open (\S+/(?:tls\.crt|tls\.key|ca\.crt|crl\.der)): permission denied`),
			cause:   "it may not read $1", remedy: create,
		},
		{
			pattern: re(`open (\S+/fixtures/\S+): permission denied`),
			cause:   "it may not read $1, which etcd made for itself and somebody has replaced: give the folder fixtures to the user that it runs as, and restart it", remedy: Remedy{Kind: Restart},
		},
		{
			pattern: re(`failed to parse private key`),
			cause: "its private key is encrypted, or of a kind that etcd does not read, and etcd asks nobody for a passphrase: " +
				"have `openssl pkey -in KEY -out tls.key` write it in the clear, for the member alone to read",
		},
		{
			pattern: re(`failed to find any PEM data in (?:key|certificate) input`),
			cause:   "a certificate or key file is empty or no PEM", fault: emptyKey, looked: true,
		},
		{
			pattern: re(`x509: certificate has expired or is not yet valid`),
			cause:   "a certificate has expired, or the clock is wrong", remedy: Remedy{Kind: RenewCerts},
		},
		{
			pattern: re(`x509: certificate signed by unknown authority`),
			cause:   "a certificate is of an authority that is not trusted, or not yet: etcd reads its authorities when it starts", remedy: reload,
		},
		{
			pattern: re(`x509: certificate is valid for (.+), not ([^\s"]+)`),
			cause:   "a certificate is for $1 and not for $2", remedy: create,
		},
		{
			pattern: re(`x509: certificate specifies an incompatible key usage`),
			cause:   "a certificate may not be used for what it is used for: a peer's needs serverAuth and clientAuth", remedy: create,
		},
		{
			pattern: re(`prober detected unhealthy status: tls: first record does not look like a TLS handshake`),
			cause:   "its peers answer it in plain text: the data is of a cluster with TLS, and etcd keeps its peers' URLs there", remedy: Remedy{Kind: UpTLS, Value: "mutual"},
		},
	}
}

// symptomRules are of what others suffer from.
func symptomRules() []rule {
	return []rule{
		{
			pattern: re(`remote error: tls: (.+)`),
			cause:   "somebody does not accept its certificate ($1), or shows none that it accepts; the log of who dials tells why",
			remedy:  Remedy{Kind: ReloadCerts}, symptom: true,
		},
		{ // a stranger who knocks in plain text is no sign of it, unless peers hang up too
			pattern: re(`prober detected unhealthy status: EOF`),
			with:    re(`^rejected connection on peer endpoint: tls: first record does not look like a TLS handshake`),
			cause:   "its peers and it don't understand each other, plain text here and TLS there: the data is of a cluster without TLS, and etcd keeps its peers' URLs there",
			remedy:  Remedy{Kind: UpTLS, Value: "none"}, symptom: true,
		},
		{
			pattern: re(`lookup (\S+?)(?: on \S+)?: no such host`),
			cause:   "it does not find $1, which is not running", remedy: Remedy{Kind: Up}, symptom: true,
		},
		{
			pattern: re(`dial tcp (\S+): i/o timeout`), filtered: true,
			cause: "nothing answers it at $1, on the same network of Podman's: iptables sees what containers send each other there, as net.bridge.bridge-nf-call-iptables is 1, " +
				"and drops it by the policy that Docker Engine, or a firewall, has given the chain FORWARD; the rule lets it pass until the machine starts anew",
			remedy: Remedy{Kind: LetPass}, symptom: true,
		},
		{
			pattern: re(`dial tcp (\S+): i/o timeout`),
			cause: "nothing answers it at $1: a firewall or the network between the two keeps what it sends from getting there, or the machine there is off; " +
				"let all members reach each other's peer ports, and it goes on by itself",
			symptom: true,
		},
		{
			pattern: re(`dial tcp (\S+): connect: no route to host`),
			cause: "nobody is at $1: what runs there is stopped, or a firewall there refuses what it sends; " +
				"let all members reach each other's peer ports, and start those that do not run",
			remedy: Remedy{Kind: Up}, symptom: true,
		},
		{
			pattern: re(`dial tcp (\S+): connect: connection refused`),
			cause:   "nobody listens on $1", remedy: Remedy{Kind: Up}, symptom: true,
		},
	}
}
