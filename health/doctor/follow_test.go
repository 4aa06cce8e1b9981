package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// This file follows the doctor's advice blindly, from every state of a modelled
// cluster.

const (
	bootstrapped = `{"level":"fatal","msg":"discovery failed","error":"member 2cd0d586f66072d0 has already been bootstrapped"}`
	unequal      = `{"level":"fatal","msg":"discovery failed","error":"error validating peerURLs: member count is unequal"}`
	forgot       = `tocommit(7) is out of range [lastIndex(0)]`
	takenOut     = `{"level":"info","msg":"the member has been permanently removed from the cluster"}`
	mismatch     = `{"level":"warn","msg":"request sent was ignored due to cluster ID mismatch"}`
	wrongSum     = `{"level":"fatal","msg":"failed to read WAL","error":"wal: crc mismatch"}`
	noToken      = `{"level":"fatal","msg":"discovery failed","error":"discovery: size key not found"}`
	noPEM        = `{"level":"fatal","msg":"discovery failed","error":"tls: failed to find any PEM data in key input"}`
	fullToken    = `{"level":"fatal","msg":"discovery failed","error":"discovery: cluster is full"}`
)

// core are the conditions that a member's place and data can be in, and others
// what may be the matter besides.
func core() []body {
	return []body{
		{},
		{run: down},
		{run: absent},
		{run: absent, data: nothing},
		{run: crashing, data: nothing, line: bootstrapped},
		{run: crashing, data: old, place: nobody, line: takenOut},
		{run: up, data: foreign, line: mismatch},
		{data: foreign, own: true},
		{place: learner},
		{run: absent, data: nothing, place: addedLearner},
		{run: absent, data: nothing, place: nobody},
		{run: crashing, data: damaged, line: wrongSum},
	}
}

func others() []body {
	list := []body{
		{run: paused},
		{run: killed},
		{run: hangs},
		{run: down, data: nothing},
		{run: down, data: old, place: nobody},
		{run: down, place: learner},
		{run: absent, data: nothing, place: addedVoter},
		{run: crashing, data: nothing, place: nobody, line: unequal},
		{run: crashing, data: nothing, line: forgot},
		{run: crashing, data: nothing, line: noToken},
		{run: crashing, data: nothing, place: nobody, line: fullToken},
		{run: up, data: foreign, place: nobody, line: mismatch},
		{data: otherwise},
		{run: crashing, line: noPEM, self: true},
		{run: crashing, line: noPEM, cure: CreateCerts},
		{room: history},
		{room: freed},
		{room: alarmOnly},
		{room: live},
		{slow: true},
		{slow: true, deaf: true},
	}
	return append(list, ofRules()...)
}

// ofRules are members that each say what one rule recognises, with all of their
// data.
func ofRules() []body {
	var list []body
	for _, line := range samples() {
		c, ok := recognise(rules(), Member{Name: "etcd1"}, readEntry(line).text)
		if !ok {
			panic("no rule knows " + line)
		}
		if c.fault != ownFault {
			continue
		}
		b := body{run: crashing, line: line, cure: c.remedy.Kind}
		if c.rank >= rankSymptom && b.cure == Up {
			b.cure = "" // nothing but that its peers run
		}
		list = append(list, b)
	}
	return list
}

// samples are lines of etcd's, at least one for each rule.
func samples() []string {
	var lines []string
	for _, text := range strings.Split(strings.TrimSpace(said), "\n") {
		lines = append(lines, fmt.Sprintf(`{"level":"fatal","msg":%q}`, text))
	}
	return append(lines, bootstrapped, unequal, forgot, takenOut, mismatch, wrongSum, noToken, fullToken, noPEM)
}

const said = `
exec /usr/local/bin/etcd: exec format error
exec /usr/local/bin/etcd: no such file or directory
exec: "--config.file=/etc/prometheus/prometheus.yml": executable file not found in $PATH
write wal: no space left on device
cannot access data directory: open /data/.touch: read-only file system
cannot access data directory: open /data: permission denied
failed to create snapshot directory: mkdir /data/member/snap: permission denied
open /var/lib/etcd/data/member/snap/db: permission denied
open sink "/log/etcd.log": open /log/etcd.log: read-only file system
cannot create dir: mkdir /wal: read-only file system
failed to create WAL: mkdir /proc/wal.tmp: no such file or directory
listen tcp 10.0.0.1:2380: bind: address already in use
proxyconnect tcp: dial tcp 172.17.0.1:3128: connect: connection refused
conflicting environment variable is shadowed by corresponding command-line flag: ETCD_NAME
flag provided but not defined: -enable-v2
expected IP in URL for binding (https://etcd1:2380)
--advertise-client-urls is required when --listen-client-urls is set explicitly
couldn't find local name "a" in the initial cluster configuration
--initial-cluster has a=http://a:1 but missing from --initial-advertise-peer-urls
--initial-advertise-peer-urls has http://a:1 but missing from --initial-cluster
initial cluster "a=http://a:1,b=http://a:1" has duplicate url
tls: private key does not match public key
tls: failed to parse private key
open /etc/etcd/certs/peer/tls.crt: no such file or directory
open /etc/etcd/certs/peer/tls.crt: permission denied
open /var/lib/etcd/data/fixtures/peer/key.pem: permission denied
x509: certificate has expired or is not yet valid
x509: certificate signed by unknown authority
x509: certificate is valid for a, not b
x509: certificate specifies an incompatible key usage
prober detected unhealthy status: tls: first record does not look like a TLS handshake
failed to recover v3 backend from snapshot
failed to open database
discovery failed: proto: cannot parse invalid wire-format data
wal: slice bounds out of range
panic: runtime error: invalid memory address or nil pointer dereference
detected disallowed custom content in v2store
detected disallowed v2 WAL for stage --v2-deprecation=write-only
unmarshal should never fail
invalid downgrade; server version is lower than determined cluster version: 3.7
version "3.7.0" is not supported
discovery: size key is bad
PeerURLs: no match found for existing member
remote error: tls: bad certificate
lookup etcd2 on 127.0.0.11:53: no such host
dial tcp 10.0.0.1:2380: i/o timeout
dial tcp 10.0.0.1:2380: connect: no route to host
dial tcp 10.0.0.1:2380: connect: connection refused
`

// TestEveryRuleHasASample holds samples to the rules.
func TestEveryRuleHasASample(t *testing.T) {
	for _, r := range rules() {
		known := slices.ContainsFunc(samples(), func(line string) bool { return r.pattern.MatchString(readEntry(line).text) })
		if !known && r.with == nil {
			t.Errorf("no sample for %s", r.pattern)
		}
	}
}

// states calls yield with clusters of up to most members, each in one of the
// conditions; the order of members makes no difference. With extra, each comes
// with every kind of stranger in its membership too. It ends when yield says so.
func states(conditions []body, most int, extra bool, yield func(model) bool) bool {
	var fill func(from int, bodies []body) bool
	fill = func(from int, bodies []body) bool {
		for e := 0; e <= 2 && len(bodies) > 0; e++ {
			if s := (model{bodies, e}); s.founded() && (e == 0 || extra) && !yield(s.clone()) {
				return false
			}
		}
		for i := from; i < len(conditions) && len(bodies) < most; i++ {
			if !fill(i, append(bodies, conditions[i])) {
				return false
			}
		}
		return true
	}
	return fill(0, nil)
}

// founded reports whether there is a cluster at all: somebody has a vote in it
// by having started once, and a member that serves for itself is not all that is
// left. A stranger is there only if somebody can tell of it.
func (s model) founded() bool {
	if s.extra > 0 && !slices.ContainsFunc(s.bodies, body.can) {
		return false
	}
	if slices.ContainsFunc(s.bodies, func(b body) bool { return b.own }) && !s.survivors() {
		return false
	}
	return slices.ContainsFunc(s.bodies, func(b body) bool { return b.place == voter && !b.own })
}

// curable reports whether commands alone are known to make it healthy: a quorum
// is there or can come back, and nothing ails a member that takes a decision.
func (s model) curable() bool {
	if without := (model{append(slices.Clone(s.bodies), body{data: nothing}), 0}); !s.returns() || s.extra > 0 && !without.returns() {
		return false
	}
	return !slices.ContainsFunc(s.bodies, func(b body) bool {
		return b.own || b.data == foreign || b.data == otherwise || b.slow || b.room == live ||
			b.place == addedVoter || b.line != "" && b.cure == "" && b.data == whole || (Remedy{Kind: b.cure}).Looks() || b.room != enough
	})
}

const mostSteps = 40

// follow does what it is told until the cluster is healthy or there is nothing to
// do by a command, and reports whether it is healthy then.
func follow(s model, advise func(model) (Diagnosis, bool)) (bool, error) {
	type turn struct {
		state  key
		remedy Remedy
	}
	seen := map[turn]bool{}
	first := s
	for range mostSteps {
		d, found := advise(s)
		if s.healthy() {
			return true, nil
		}
		if !found || d.Remedy.Kind == NoRemedy || d.Remedy.Looks() || d.Remedy.Kind == Restore {
			_, err := s.apply(d.Remedy)
			if err == nil && first.curable() {
				err = fmt.Errorf("%w: %s: %s", errUseless, d.Member, d.Cause)
			}
			return false, err
		}
		next, err := s.apply(d.Remedy)
		if err != nil {
			return false, fmt.Errorf("%s: %s: %q for %q: %w\n%v", d.Member, d.Cause, d.Remedy.Kind, d.Remedy.Member, err, s)
		}
		now := turn{s.key(), d.Remedy}
		if seen[now] {
			return false, fmt.Errorf("%s: %s: %q for %q: %w\n%v", d.Member, d.Cause, d.Remedy.Kind, d.Remedy.Member, errLoops, s)
		}
		seen[now], s = true, next
	}
	return false, fmt.Errorf("no end: %w", errLoops)
}

// everywhere calls yield with every state: all conditions in clusters of one to
// three members, and those of place and data in clusters of four and five and with
// strangers.
func everywhere(yield func(model) bool) {
	_ = states(append(core(), others()...), 3, false, yield) &&
		states(core(), 3, true, func(s model) bool { return s.extra == 0 || yield(s) }) &&
		states(core(), 5, false, func(s model) bool { return len(s.bodies) <= 3 || yield(s) })
}

func diagnose(s model) (Diagnosis, bool) { return Diagnose(s.evidence()) }

// diagnoseOnce asks about each state once, for many ways lead through the same.
func diagnoseOnce() func(model) (Diagnosis, bool) {
	type answer struct {
		Diagnosis
		found bool
	}
	known := map[key]answer{}
	return func(s model) (Diagnosis, bool) {
		a, asked := known[s.key()]
		if !asked {
			a.Diagnosis, a.found = diagnose(s)
			known[s.key()] = a
		}
		return a.Diagnosis, a.found
	}
}

func TestAdviceThatIsFollowedLosesNothingAndEnds(t *testing.T) {
	const shown = 5
	advise := diagnoseOnce()
	tried, cured, wrong := 0, 0, 0
	everywhere(func(s model) bool {
		tried++
		healthy, err := follow(s, advise)
		if err != nil {
			wrong++
			t.Errorf("from %v\n%v", s, err)
		}
		if healthy {
			cured++
		}
		return wrong < shown
	})
	t.Logf("%d states: %d end healthy, %d where no command helps", tried, cured, tried-cured-wrong)
	if most := 40_000; tried < most || cured*5 < tried*2 { // else the test looks at too little
		t.Errorf("%d states were tried, of which %d end healthy: want more than %d, and two fifths of them", tried, cured, most)
	}
}

// What the test above looks for is found where it was put on purpose.
func TestWrongAdviceIsFound(t *testing.T) {
	// instead gives other advice where a remedy is of a kind, or for all.
	instead := func(of Kind, by func(Diagnosis) Remedy) func(model) (Diagnosis, bool) {
		return func(s model) (Diagnosis, bool) {
			d, found := diagnose(s)
			if found && d.Remedy.Kind == of {
				d.Remedy = by(d)
			}
			return d, found
		}
	}
	kind := func(k Kind) func(Diagnosis) Remedy {
		return func(d Diagnosis) Remedy { return Remedy{Kind: k, Member: d.Member} }
	}
	tests := map[string]struct {
		advise func(model) (Diagnosis, bool)
		want   error
	}{
		"everything is deleted for a member that was removed":   {instead(Replace, kind(deleteAll)), errLosesData},
		"everything is deleted for a member of another cluster": {instead(NoRemedy, kind(deleteAll)), errLosesData},
		"all are started though most have no data":              {instead(Recover, kind(Up)), errLosesData},
		"a member is replaced though there is no quorum":        {instead(Recover, kind(Replace)), errLosesData},
		"a member of another cluster is replaced":               {instead(NoRemedy, kind(Replace)), errLosesData},
		"a cluster is given up whose members were stopped":      {instead(Up, kind(Recover)), errTooSoon},
		"a member without data is just started":                 {instead(Replace, kind(Up)), errLoops},
		"a full database is just disarmed":                      {instead(MakeRoom, kind(Disarm)), errLoops},
		"nothing is ever known":                                 {func(model) (Diagnosis, bool) { return Diagnosis{}, false }, errUseless},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found := !states(append(core(), others()...), 3, false, func(s model) bool {
				_, err := follow(s, tt.advise)
				return !errors.Is(err, tt.want)
			})
			if !found {
				t.Errorf("nothing shows that %v", tt.want)
			}
		})
	}
}
