package doctor

import (
	"regexp"
	"strings"
	"sync"
)

// Commands that put things right. FLAGS, WANTED and CERTS stand for the flags
// that say which cluster is meant, what up starts, and where its certificates
// are; DISK for the command that looks at the disk.
const (
	up         = "etcdctr up WANTED"
	start      = "etcdctr start FLAGS"
	anew       = "etcdctr down --volumes FLAGS && etcdctr up WANTED  # deletes the data"
	newCerts   = "etcdctr certs create FLAGS && etcdctr up WANTED"
	renewCerts = "etcdctr certs renew CERTS"
	newToken   = "etcdctr discovery new"
	makeRoom   = "etcdctr etcdctl FLAGS defrag --cluster && etcdctr etcdctl FLAGS alarm disarm"
)

// rule recognises a line of etcd's log. In cause and command, $1 stands for
// what the pattern's first group has found, and NAME for the member.
type rule struct {
	pattern *regexp.Regexp
	cause   string
	command string
	symptom bool // follows from something that another member may tell better
}

// rules are ranked: what comes first explains what comes later. The texts are
// etcd's own, from 3.5 to 3.7. They are compiled when a doctor is called.
var rules = sync.OnceValue(func() []rule {
	return []rule{
		// The machine.
		{
			re(`no space left on device`),
			"its disk is full", "DISK", false,
		},
		{
			re(`(?:cannot access|failed to list) data directory: .*permission denied`),
			"it may not write to its data directory, which belongs to another user: the volume was made for another image", anew, false,
		},
		{
			re(`listen tcp (\S+): bind: address already in use`),
			"something else listens on $1", "etcdctr restart FLAGS NAME", false,
		},

		// The settings of one member.
		{
			re(`conflicting environment variable is shadowed by corresponding command-line flag.*: (ETCD_\w+)`),
			"$1 is given as a variable and as a flag too, which etcd refuses: take one of them out", up, false,
		},
		{
			re(`flag provided but not defined: (\S+)`),
			"its etcd does not know the flag $1: take it out of the settings, or choose another etcd", up, false,
		},
		{
			re(`expected IP in URL for binding \(([^)]+)\)`),
			"it is to listen on $1, and etcd listens on addresses, not on names: take listen-client-urls and listen-peer-urls out of the settings", up, false,
		},
		{
			re(`--advertise-client-urls is required when --listen-client-urls is set explicitly`),
			"listen-client-urls is set without advertise-client-urls: set both or neither", up, false,
		},
		{
			re(`couldn't find local name "([^"]*)" in the initial cluster configuration`),
			`its name "$1" is not in initial-cluster: take name and initial-cluster out of the settings`, up, false,
		},
		{
			re(`--initial-cluster has (\S+) but missing from --initial-advertise-peer-urls`),
			"initial-cluster has it at $1, where it does not advertise itself: take initial-cluster and initial-advertise-peer-urls out of the settings", up, false,
		},
		{
			re(`--initial-advertise-peer-urls has (\S+) but missing from --initial-cluster`),
			"it advertises itself at $1, where initial-cluster does not have it: take initial-cluster and initial-advertise-peer-urls out of the settings", up, false,
		},
		{
			re(`initial cluster "?(\S+?)"? has duplicate url`),
			"initial-cluster has two members at the same URL ($1): give each its own", up, false,
		},

		// The certificates.
		{
			re(`private key does not match public key`),
			"its certificate and its key don't belong together", newCerts, false,
		},
		{
			re(`open (\S+/(?:tls\.crt|tls\.key|ca\.crt|crl\.der)): no such file or directory`),
			"it does not find $1: its certificates are not where they were", newCerts, false,
		},
		{
			re(`open (\S+/(?:tls\.crt|tls\.key|ca\.crt|crl\.der)): permission denied`),
			"it may not read $1", newCerts, false,
		},
		{
			re(`x509: certificate has expired or is not yet valid`),
			"a certificate has expired, or the clock is wrong", renewCerts, false,
		},
		{
			re(`x509: certificate signed by unknown authority`),
			"a certificate is of an authority that is not trusted", newCerts, false,
		},
		{
			re(`x509: certificate is valid for (.+), not ([^\s"]+)`),
			"a certificate is for $1 and not for $2", newCerts, false,
		},
		{
			re(`x509: certificate specifies an incompatible key usage`),
			"a certificate may not be used for what it is used for: a peer's needs serverAuth and clientAuth", newCerts, false,
		},

		{
			re(`prober detected unhealthy status: tls: first record does not look like a TLS handshake`),
			"its peers answer it in plain text: the data is of a cluster with TLS, and etcd keeps its peers' URLs there", up + " --tls mutual", false,
		},

		// Finding each other by a discovery service.
		{
			re(`discovery: size key not found`),
			"its discovery token was never made, or has been removed", newToken, false,
		},
		{
			re(`discovery: size key is bad|size key is bad`),
			"its discovery token does not hold a number of members", newToken, false,
		},
		{
			re(`discovery: cluster is full`),
			"its discovery token has as many members as it was made for: this is one too many, or the token was used before", newToken, false,
		},

		// Where a member belongs.
		{
			re(`member (\w+) has already been bootstrapped`),
			"its data is gone, and the others still know it as member $1: it has to be removed, added again and started with initial-cluster-state: existing",
			"etcdctr etcdctl FLAGS member remove $1", false,
		},
		{
			re(`tocommit\(\d+\) is out of range`),
			"it has lost data that it had confirmed, and must not go on under its old ID: remove it, delete its data and add it anew",
			"etcdctr etcdctl FLAGS member list", false,
		},
		{
			re(`member has been permanently removed from the cluster|removed from the cluster permanently`),
			"it was removed from the cluster and must not start again on its old data",
			anew, false,
		},
		{
			re(`member count is unequal`),
			"the cluster that it is to join has another number of members than its initial-cluster: correct the members in the cluster file", up, false,
		},
		{
			re(`PeerURLs: no match found for existing member`),
			"the cluster that it is to join has members at other URLs than its initial-cluster: correct the members in the cluster file", up, false,
		},
		{
			re(`cluster ID mismatch`),
			"it is a member of another cluster than its peers: it was started on old data, or it did not find them the first time",
			anew, false,
		},
		{
			re(`unmarshal should never fail`),
			"its data was last written by an etcd that this one can't follow on: go back to the release before, write more than snapshot-count entries, and upgrade then",
			"etcdctr up WANTED --etcd 3.6", false,
		},

		{
			re(`invalid downgrade; server version is lower than determined cluster version: (3\.\d+)`),
			newerData, up + " --etcd $1", false,
		},
		{
			re(`version "(3\.\d+)\.\d+" is not supported`), // of the data
			newerData, up + " --etcd $1", false,
		},

		// What others suffer from.
		{
			re(`remote error: tls: (.+)`),
			"somebody does not accept its certificate ($1), or shows none that it accepts; the log of who dials tells why", newCerts, true,
		},
		{ // strangers do, too: `etcdctr verify` is one
			re(`rejected connection on peer endpoint: tls: first record does not look like a TLS handshake`),
			"its peers speak plain text to it: the data is of a cluster without TLS, and etcd keeps its peers' URLs there", up + " --tls none", true,
		},
		{
			re(`lookup (\S+?)(?: on \S+)?: no such host`),
			"it does not find $1, which is not running", up, true,
		},
		{
			re(`dial tcp (\S+): connect: connection refused`),
			"nobody listens on $1", up, true,
		},
	}
})

const newerData = "its data was last written by etcd $1, and this one is older: the way back begins with `etcdctl downgrade enable`"

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// recognise gives the diagnosis of the first of the rules that knows the text.
func recognise(rules []rule, m Member, text string) (candidate, bool) {
	for rank, r := range rules {
		match := r.pattern.FindStringSubmatchIndex(text)
		if match == nil {
			continue
		}
		fill := func(template string) string {
			template = strings.ReplaceAll(template, "NAME", m.Name)
			return string(r.pattern.ExpandString(nil, template, text, match))
		}
		if r.symptom {
			rank += rankSymptom
		}
		return candidate{Diagnosis{m.Name, fill(r.cause), fill(r.command), text, true}, rank}, true
	}
	return candidate{}, false
}

// engineErrors are what Docker says when it can't start a container.
var engineErrors = sync.OnceValue(func() []rule {
	return []rule{
		{re(`Bind for \S+:(\d+) failed: port is already allocated`), "its port $1 is taken by another container", "docker ps --filter publish=$1", false},
		{re(`listen tcp4? \S+:(\d+): bind: address already in use`), "its port $1 is taken by another program", "ss -ltnp sport = :$1", false},
		{re(`bind source path does not exist: (\S+)`), "its certificates are not in $1", newCerts, false},
	}
})
