package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// Severity says whether a finding keeps the cluster from working securely.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning" // works, and was chosen or is on its way
)

// Finding is something that is wrong, and what to do about it.
type Finding struct {
	Identity string   `json:"identity"` // or authority
	Severity Severity `json:"severity"`
	Problem  string   `json:"problem"`
	Remedy   string   `json:"remedy"`
	// Command is the remedy where it is a command and nothing else.
	Command string `json:"-"`
	// Unusable says that whoever reads the files does not start with them.
	Unusable bool `json:"-"`
}

// String says what it is about, what is wrong, and what to do.
func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Identity, f.Problem, f.Remedy) }

// FoundError is the error of findings of which so many are an Error.
type FoundError struct{ Errors int }

func (e *FoundError) Error() string {
	if e.Errors == 1 {
		return "1 error was found"
	}
	return fmt.Sprintf("%d errors were found", e.Errors)
}

// Verdict is a *FoundError where there is an Error among the findings.
func Verdict(findings []Finding) error {
	n := 0
	for _, f := range findings {
		if f.Severity == Error {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &FoundError{n}
}

// VerifyOptions say what a PKI is compared with.
type VerifyOptions struct {
	Plan   *Plan         // what it shall be; nil: only its own consistency
	Within time.Duration // certificates that expire so soon are a finding too
	Users  []User        // those of etcd's, where it goes by them
	// Shown leaves out who may read the keys: whom the certificates are shown to does
	// not notice that.
	Shown bool
}

// The remedies that several findings share.
var (
	remedyCreate = run("etcdctr certs create")
	remedyRotate = words("replace it with `etcdctr certs rotate-ca`")
)

// remedy is what to do about a finding, in words, and as a command where it is one.
type remedy struct{ words, command string }

func words(text string) remedy { return remedy{words: text} }

func run(command string) remedy { return remedy{"run `" + command + "`", command} }

// and says more, which no command does.
func (r remedy) and(more string) remedy { return words(r.words + more) }

// Verify reports everything that is wrong, authorities first. An error means
// that it could not look.
func (p *PKI) Verify(o VerifyOptions) ([]Finding, error) {
	if o.Plan != nil {
		if err := o.Plan.Validate(); err != nil {
			return nil, err
		}
	}
	s, err := p.scan()
	if err != nil {
		return nil, err
	}
	v := &verification{pki: p, state: s, now: p.now(), within: o.Within, users: o.Users, shown: o.Shown}
	if o.Plan != nil {
		v.wanted = o.Plan.identities()
	}
	v.authorities(o.Plan)
	for i := range s.identities {
		if p.left(s, &s.identities[i]) { // it has to fit nothing: see Left
			v.permissions(s.identities[i].name, KeyFile)
			continue
		}
		v.identity(&s.identities[i])
		v.user(&s.identities[i])
	}
	if o.Plan != nil {
		v.plan(v.wanted)
	}
	v.acceptance(s.withClients(v.wanted))
	return v.findings, nil
}

type verification struct {
	pki      *PKI
	state    *state
	now      time.Time
	within   time.Duration
	users    []User
	wanted   []identity // by the plan; none without one
	shown    bool       // see VerifyOptions
	findings []Finding
	only     func(name string) bool // whom acceptance is about; nil: all
}

func (v *verification) fail(identity string, r remedy, problem string, args ...any) {
	v.findings = append(v.findings, Finding{Identity: identity, Severity: Error, Problem: fmt.Sprintf(problem, args...), Remedy: r.words, Command: r.command})
}

// unusable is fail about files that nothing starts with.
func (v *verification) unusable(identity string, r remedy, problem string, args ...any) {
	v.fail(identity, r, problem, args...)
	v.findings[len(v.findings)-1].Unusable = true
}

func (v *verification) warn(identity string, r remedy, problem string, args ...any) {
	v.findings = append(v.findings, Finding{Identity: identity, Severity: Warning, Problem: fmt.Sprintf(problem, args...), Remedy: r.words, Command: r.command})
}

func (v *verification) identity(e *existing) {
	remedy := v.remake(e)
	v.permissions(e.name, KeyFile)
	if e.broken != nil {
		for _, line := range strings.Split(e.broken.Error(), "\n") {
			v.unusable(e.name, remedy, "%s", line)
		}
		return
	}
	a, cert := v.state.authorityFor(e.profile), e.files.cert()
	if when := v.revoked(e, a); when != nil { // and whatever else is wrong with it does not matter any more
		found := v.fail
		if v.mayBeRevoked(e) {
			found = v.warn
		}
		found(e.name, remedy.and(" for a new one, or delete the folder"), "was revoked on %s", when.UTC().Format(time.DateOnly))
		return
	}
	if !samePublicKey(cert, e.files.key) {
		v.unusable(e.name, remedy, "%s is not the key of %s: etcd does not start with them", KeyFile, CertFile)
	}
	if weak := weakness(cert); weak != "" {
		v.fail(e.name, remedy, "%s", weak)
	}
	v.chain(e)
	v.expiry(e)
	v.use(e)
	if v.state.originOf(e) == brought {
		v.revocationList(e)
		v.told(e, a)
	} else if a != nil && a.broken == nil {
		v.standing(e, a)
	}
}

// mayBeRevoked tells of an identity that the cluster gets along without: it is refused, as
// it was meant, and its files do no harm.
func (v *verification) mayBeRevoked(e *existing) bool {
	return v.wanted != nil && !slices.ContainsFunc(v.wanted, func(i identity) bool { return i.name == e.name })
}

// revoked is when an authority here has taken back what it has issued itself; nil if not.
func (v *verification) revoked(e *existing, a *authority) *time.Time {
	if a == nil || a.broken != nil || v.state.originOf(e) == brought {
		return nil
	}
	return a.issued.revoked(e.files.cert())
}

// remake is the way to have an identity made anew.
func (v *verification) remake(e *existing) remedy {
	if v.state.originOf(e) == brought {
		return words(v.state.whose(e) + ": " + v.pki.bring(e.name))
	}
	if folder, name, _ := strings.Cut(e.name, "/"); folder == "servers" {
		return run("etcdctr certs issue " + name + " --server")
	} else if folder == "clients" {
		return run("etcdctr certs issue " + name)
	}
	return remedyCreate
}

// chain checks that whoever trusts what the identity trusts accepts it. It looks
// at the signatures only: dates are expiry's matter.
func (v *verification) chain(e *existing) {
	trusted, err := parseCertificates(e.files.trust)
	if err != nil {
		v.fail(e.name, v.remedy(e), "%s %s", CAFile, err)
		return
	}
	if err := verifyChain(e.files.chain, poolOf(trusted)); err != nil {
		v.fail(e.name, v.remake(e), "%s does not vouch for %s: %s", CAFile, CertFile, strings.TrimPrefix(err.Error(), "x509: "))
	}
}

func (v *verification) expiry(e *existing) {
	cert := e.files.cert()
	renew := run("etcdctr certs renew " + e.name)
	if v.state.originOf(e) == brought {
		renew = v.remake(e)
	}
	switch {
	case v.now.Before(cert.NotBefore):
		v.fail(e.name, words("set the clock right, or "+renew.words), "is not valid before %s", cert.NotBefore.UTC().Format(time.RFC3339))
	case expired(cert, v.now), cert.NotAfter.Sub(v.now) <= v.within:
		v.fail(e.name, renew, "%s", expiry(cert, v.now))
	case expiresSoon(cert, v.now):
		v.warn(e.name, renew, "%s", expiry(cert, v.now))
	}
}

// use checks that the certificate serves its profile in etcd.
func (v *verification) use(e *existing) {
	cert := e.files.cert()
	remedy := v.remake(e)
	for _, usage := range lackedUsages(cert, e.profile) {
		v.fail(e.name, remedy, "lacks the key usage %s: %s", usage, usageReasons[e.profile])
	}
	if !e.profile.serves() {
		return
	}
	hosts := hostsOf(cert)
	switch {
	case len(hosts) == 0:
		v.fail(e.name, remedy, "answers to no name and no address (it has no subject alternative names): nobody can verify it")
	case e.profile == Peer && wildcardsOnly(hosts):
		v.fail(e.name, remedy, "answers to wildcards only: other members refuse it unless every address has a PTR record")
	}
}

var usageReasons = map[Profile]string{
	Server: "etcd's JSON gateway dials the member with its server certificate",
	Peer:   "a member both accepts and dials with its peer certificate",
	Client: "members refuse it",
}

func wildcardsOnly(hosts []string) bool {
	for _, h := range hosts {
		if !strings.HasPrefix(h, "*.") {
			return false
		}
	}
	return true
}

// standing checks what the authority says about the identity.
func (v *verification) standing(e *existing, a *authority) {
	cert := e.files.cert()
	if !v.state.signedBy(cert, a.current) {
		v.fail(e.name, v.remake(e), "was not issued by %s, but by %s", a.name, v.state.issuerName(cert))
	}
	if cert.NotAfter.After(a.current.notAfter()) {
		v.fail(e.name, run("etcdctr certs renew "+e.name), "outlives its authority: nobody accepts it after %s", lifespan.When(a.current.notAfter(), v.now))
	}
	if !bytes.Equal(e.files.trust, v.state.trustOf(e)) {
		v.fail(e.name, remedyCreate, "%s is not what %s says now", CAFile, a.name)
	}
	for _, c := range v.state.foreign(e) {
		v.warn(e.name, words("take it out of the file unless this is meant"), "%s trusts %s too, which is no authority here", CAFile, v.state.subjectName(c))
	}
	v.revocationList(e)
}

func (v *verification) revocationList(e *existing) {
	if !e.profile.serves() {
		return
	}
	a := v.state.authorityFor(e.profile)
	own, remedy := v.state.ownList(e.files.crl), remedyCreate
	if !own {
		remedy = words("put the list there as its owner gives it out, in DER form; or move the file away, and `etcdctr certs create` makes one")
	}
	list, err := x509.ParseRevocationList(e.files.crl)
	switch {
	case absent(e.files.crl):
		v.fail(e.name, remedy, "%s is missing: etcd refuses every client", CRLFile)
	case err != nil:
		v.fail(e.name, remedy, "%s is no revocation list in DER form: etcd 3.6 and later refuse every client", CRLFile)
	case lists(list, e.files.cert().SerialNumber) && string(list.RawIssuer) == string(e.files.cert().RawIssuer):
		v.fail(e.name, v.remake(e), "is revoked by the %s beside it", CRLFile)
	case own && a != nil && a.broken == nil && a.crl != nil && !bytes.Equal(e.files.crl, a.crl):
		v.fail(e.name, remedy, "%s is not what %s says now: revoked certificates may be accepted", CRLFile, a.name)
	case !own && a != nil && a.broken == nil:
		v.missingRevocations(e, a, list)
	}
}

// missingRevocations checks that a list which was made elsewhere names what was
// revoked here.
func (v *verification) missingRevocations(e *existing, a *authority, list *x509.RevocationList) {
	n := 0
	for _, entry := range a.issued.entries() {
		if !lists(list, entry.SerialNumber) {
			n++
		}
	}
	if n > 0 {
		v.fail(e.name, words("move the file away, and `etcdctr certs create` puts the list of "+a.name+" there"),
			"%s was not made here, and names %d certificates less than %s has revoked", CRLFile, n, a.name)
	}
}

// permissions checks that nobody but the owner reads a key or swaps the files.
func (v *verification) permissions(identity string, keys ...string) {
	if v.shown || runtime.GOOS == "windows" { // which has no such modes
		return
	}
	dir := v.pki.path(identity)
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o022 != 0 {
		v.fail(identity, words("run `chmod 700 "+dir+"`"), "others may write to the folder (mode %04o)", info.Mode().Perm())
	}
	for _, key := range keys {
		path := filepath.Join(dir, key)
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 && !granted(dir, info) {
			v.fail(identity, words("run `chmod 600 "+path+"`, and renew with a new key if others use this machine"), "others may read %s (mode %04o)", key, info.Mode().Perm()&fs.ModePerm)
		}
	}
}

// granted reports whether a key was opened to a group on purpose, see PKI.Grant:
// its folder is, too.
func granted(dir string, key fs.FileInfo) bool {
	info, err := os.Stat(dir)
	return err == nil && info.Mode().Perm() == groupDirMode && key.Mode().Perm() == groupKeyMode
}

// plan checks the identities against what they shall be.
func (v *verification) plan(wanted []identity) {
	for _, want := range wanted {
		e := v.state.find(want.name)
		switch {
		case e == nil && v.state.authorityFor(want.profile) == nil && len(v.state.of(authorityName(want.profile))) > 0:
			v.unusable(want.name, words("put "+authorityName(want.profile)+" back and run `etcdctr certs create`, or bring it in with `etcdctr certs import`"), "is missing")
		case e == nil:
			v.unusable(want.name, remedyCreate, "is missing")
		default:
			v.fits(want, e)
		}
	}
}

// fits checks one identity against what it shall be.
func (v *verification) fits(want identity, e *existing) {
	if e.broken != nil {
		return
	}
	cert := e.files.cert()
	if have := cert.Subject.CommonName; have != want.commonName && v.state.originOf(e) != brought {
		v.fail(want.name, v.remedy(e), "has common name %q, wanted %q", have, want.commonName)
	}
	missing := without(want.hosts, hostsOf(cert))
	if v.state.originOf(e) == brought {
		missing = without(unanswered(want.hosts, cert), want.aliases)
	}
	if len(missing) > 0 {
		v.fail(want.name, v.remedy(e), "does not answer to %s", strings.Join(missing, ", "))
	}
}

// remedy is `certs create`, unless that may not touch the identity.
func (v *verification) remedy(e *existing) remedy {
	if v.state.originOf(e) == brought {
		return v.remake(e)
	}
	return remedyCreate
}

// unanswered lists the hosts that a certificate is not good for. One that was
// made elsewhere may have wildcards.
func unanswered(hosts []string, cert *x509.Certificate) []string {
	var missing []string
	for _, h := range without(hosts, hostsOf(cert)) {
		if strings.HasPrefix(h, "*.") || cert.VerifyHostname(h) != nil {
			missing = append(missing, h)
		}
	}
	return missing
}
