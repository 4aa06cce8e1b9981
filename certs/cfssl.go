package certs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of etcd's how-tos for cfssl.
const (
	cfsslConfig = "ca-config.json"
	cfsslCert   = "ca.pem"
	cfsslKey    = "ca-key.pem"
)

// FromCFSSL completes a plan with what cfssl's files in dir say, so that who
// made certificates with cfssl gets the same names, hosts, keys and lifetimes
// here:
//
//   - ca-csr.json: subject, key and lifetime of the authorities;
//   - ca-config.json: lifetimes, by the profiles server, peer and client;
//   - server-csr.json, peer-csr.json, req-csr.json: subject and key of the
//     leaves, and hosts of every member;
//   - MEMBER.json or MEMBER-csr.json: hosts of that member;
//   - client-csr.json and others named client…: a client by their CN;
//   - ca.pem with ca-key.pem: the authority itself, for servers and clients, or
//     for everything with Plan.SingleCA.
//
// What the plan decides already stays. The notes say what was not taken over and why, in the order of the files.
func FromCFSSL(dir string, plan Plan) (Plan, []string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Plan{}, nil, fmt.Errorf("read cfssl's files: %w", err)
	}
	r := &cfsslReader{given: plan, plan: plan.clone()}
	var errs []error
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), ".json"); ok && !e.IsDir() {
			errs = append(errs, r.read(filepath.Join(dir, e.Name()), stem))
		}
	}
	errs = append(errs, r.authority(dir))
	if err := errors.Join(errs...); err != nil {
		return Plan{}, nil, err
	}
	if !r.found {
		return Plan{}, nil, fmt.Errorf("cfssl's files: there is none in %s: give the folder with ca-csr.json, ca-config.json or server-csr.json", dir)
	}
	return r.plan, r.notes, nil
}

// clone copies what FromCFSSL changes.
func (p Plan) clone() Plan {
	p.Members = slices.Clone(p.Members)
	for i := range p.Members {
		p.Members[i].Hosts = slices.Clone(p.Members[i].Hosts)
	}
	p.Clients = slices.Clone(p.Clients)
	p.ProfileLifetime = maps.Clone(p.ProfileLifetime)
	return p
}

type cfsslReader struct {
	given Plan // by the caller
	plan  Plan
	notes []string
	found bool
	file  string // being read
}

func (r *cfsslReader) note(format string, args ...any) {
	r.notes = append(r.notes, r.file+": "+fmt.Sprintf(format, args...))
}

func (r *cfsslReader) read(path, stem string) error {
	r.file = filepath.Base(path)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read cfssl's files: %w", err)
	}
	if r.file == cfsslConfig {
		return r.config(data)
	}
	return r.mistake(r.csr(strings.TrimSuffix(stem, "-csr"), data))
}

// mistake says which file an error is in; nil stays nil.
func (r *cfsslReader) mistake(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", r.file, err)
}

// authority takes over ca.pem and ca-key.pem when both are there.
func (r *cfsslReader) authority(dir string) error {
	cert, key := filepath.Join(dir, cfsslCert), filepath.Join(dir, cfsslKey)
	for _, file := range []string{cert, key} {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	r.found, r.file = true, cfsslCert
	if r.plan.Authority.Client != nil {
		r.note("left out: another authority was given for clients")
		return nil
	}
	a, err := LoadAuthority(cert, key)
	if err != nil {
		return err
	}
	r.plan.Authority.Client = a
	if !r.plan.SingleCA {
		r.note("vouches for servers and clients: peers get an authority of their own, unless a single one is asked for")
	}
	return nil
}

// cfsslSigning is a profile in ca-config.json.
type cfsslSigning struct {
	Expiry string   `json:"expiry"`
	Usages []string `json:"usages"`
}

func (r *cfsslReader) config(data []byte) error {
	var file struct {
		Signing struct {
			Default  json.RawMessage            `json:"default"`
			Profiles map[string]json.RawMessage `json:"profiles"`
		} `json:"signing"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return r.mistake(err)
	}
	r.found = true
	r.ignored(data, "", "signing")
	lifetime, err := r.signing("default", file.Signing.Default)
	errs := []error{r.mistake(err)}
	r.setLifetime(lifetime)
	for _, name := range slices.Sorted(maps.Keys(file.Signing.Profiles)) {
		lifetime, err := r.signing(name, file.Signing.Profiles[name])
		errs = append(errs, r.mistake(err))
		switch profile := Profile(name); {
		case lifetime == 0 || r.given.Lifetime > 0:
		case profile.validate("") == nil:
			if r.plan.ProfileLifetime == nil {
				r.plan.ProfileLifetime = map[Profile]time.Duration{}
			}
			r.plan.ProfileLifetime[profile] = lifetime
		case len(file.Signing.Profiles) == 1:
			r.setLifetime(lifetime) // the one profile that everything was made with
		default:
			r.note("profile %s is left out: there are server, peer and client", name)
		}
	}
	return errors.Join(errs...)
}

// setLifetime sets the lifetime of leaves unless the caller has.
func (r *cfsslReader) setLifetime(d time.Duration) {
	if d > 0 && r.given.Lifetime == 0 {
		r.plan.Lifetime = d
	}
}

// signing reads one profile's lifetime and says how its usages differ.
func (r *cfsslReader) signing(name string, data []byte) (time.Duration, error) {
	if len(data) == 0 {
		return 0, nil
	}
	var s cfsslSigning
	if err := json.Unmarshal(data, &s); err != nil {
		return 0, fmt.Errorf("profile %s: %w", name, err)
	}
	r.ignored(data, "profile "+name+": ", "expiry", "usages")
	for _, usage := range s.Usages {
		switch {
		case slices.Contains(cfsslUsages, usage):
		case slices.Contains(cfsslOtherUsages, usage):
			r.note("profile %s: the usage %q is left out: etcd has no use for it", name, usage)
		default:
			r.note("profile %s: the usage %q is none that cfssl knows: it has left it out of its certificates without a word", name, usage)
		}
	}
	serving := name == string(Server) || name == string(Peer)
	if serving && len(s.Usages) > 0 && !slices.Contains(s.Usages, "client auth") {
		r.note("profile %s: the usage \"client auth\" is added: %s", name, usageReasons[Profile(name)])
	}
	return cfsslDuration("profile "+name+": expiry", s.Expiry)
}

// cfsslUsages are those that the profiles here cover. Key encipherment is given
// to RSA keys alone, which need it.
var cfsslUsages = []string{"signing", "digital signature", "server auth", "client auth", "key encipherment"}

// cfsslOtherUsages are the others that cfssl knows. It makes a certificate
// without a usage that it does not know.
var cfsslOtherUsages = []string{
	"content commitment", "key agreement", "data encipherment", "cert sign", "crl sign", "encipher only", "decipher only",
	"any", "code signing", "email protection", "s/mime", "ipsec end system", "ipsec tunnel", "ipsec user", "timestamping",
	"ocsp signing", "microsoft sgc", "netscape sgc",
}

func cfsslDuration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: %q is no positive duration: write it in hours, such as 8760h", field, text)
	}
	return d, nil
}

// ignored notes the keys of a JSON object that mean nothing here.
func (r *cfsslReader) ignored(data []byte, prefix string, known ...string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return // not an object: the caller's own decoding says so
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			r.note("%s%s is left out: it is not supported", prefix, key)
		}
	}
}
