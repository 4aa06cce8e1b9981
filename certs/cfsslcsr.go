package certs

import (
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// cfsslRequest is a certificate request as cfssl reads it.
type cfsslRequest struct {
	CN    string            `json:"CN"`
	Hosts []string          `json:"hosts"`
	Names []json.RawMessage `json:"names"`
	Key   *struct {
		Algo string `json:"algo"`
		Size int    `json:"size"`
	} `json:"key"`
	CA json.RawMessage `json:"ca"`
}

// csr takes over a request; what it is for is told by its file's name.
func (r *cfsslReader) csr(role string, data []byte) error {
	var q cfsslRequest
	if err := json.Unmarshal(data, &q); err != nil {
		return err
	}
	if q.CN == "" && q.Key == nil && q.Hosts == nil && q.Names == nil {
		r.note("left out: it is no certificate request")
		return nil
	}
	r.found = true
	r.ignored(data, "", "CN", "hosts", "names", "key", "ca")
	switch {
	case role == "ca":
		return r.caRequest(q)
	case slices.Contains([]string{string(Server), string(Peer), "req"}, role):
		return r.leafRequest(q)
	case strings.HasPrefix(role, string(Client)):
		r.clientRequest(q)
	default:
		r.memberRequest(role, q)
	}
	return nil
}

func (r *cfsslReader) caRequest(q cfsslRequest) error {
	ca := &r.plan.Authority
	if emptyName(ca.Subject) {
		ca.Subject = r.subject(q.Names)
		ca.Subject.CommonName = q.CN
	}
	if ca.Key == "" {
		ca.Key = r.key(q)
	}
	if len(q.CA) == 0 {
		return nil
	}
	var settings struct {
		Expiry string `json:"expiry"`
	}
	if err := json.Unmarshal(q.CA, &settings); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	r.ignored(q.CA, "ca: ", "expiry", "pathlenzero")
	lifetime, err := cfsslDuration("ca: expiry", settings.Expiry)
	if ca.Lifetime == 0 {
		ca.Lifetime = lifetime
	}
	return err
}

// leafRequest is what all members were made from.
func (r *cfsslReader) leafRequest(q cfsslRequest) error {
	hosts := r.hosts(q)
	for i := range r.plan.Members {
		r.plan.Members[i].Hosts = append(r.plan.Members[i].Hosts, hosts...)
	}
	r.leaf(q)
	if q.CN != "" {
		r.note("CN %q is left out: a member's certificates carry the member's name", q.CN)
	}
	return nil
}

// leaf takes over the subject and key of leaves, which all have in common here.
func (r *cfsslReader) leaf(q cfsslRequest) {
	if subject := r.subject(q.Names); !emptyName(subject) {
		if !emptyName(r.plan.Subject) && subject.String() != r.plan.Subject.String() {
			r.note("names are left out: all certificates carry those of another file, %s", r.plan.Subject)
		} else {
			r.plan.Subject = subject
		}
	}
	switch key := r.key(q); {
	case key == "" || key == r.plan.Key:
	case r.plan.Key == "":
		r.plan.Key = key
	default:
		r.note("key %s is left out: all certificates have one of kind %s", key, r.plan.Key)
	}
}

func (r *cfsslReader) memberRequest(role string, q cfsslRequest) {
	for i, m := range r.plan.Members {
		if m.Name == role || m.Name == q.CN {
			r.plan.Members[i].Hosts = slices.Concat(m.Hosts, r.hosts(q))
			r.leaf(q)
			return
		}
	}
	r.note("left out: there is no member %s: name the file after the member that it is for", role)
}

func (r *cfsslReader) clientRequest(q cfsslRequest) {
	if len(r.hosts(q)) > 0 {
		r.note("hosts are left out: nobody connects to a client")
	}
	if !isName(q.CN) {
		r.note("left out: its CN %q is no name for a client: issue one with `etcdctr certs issue`", q.CN)
		return
	}
	known := slices.ContainsFunc(r.plan.Clients, func(c ClientIdentity) bool { return c.Name == q.CN })
	if !known {
		r.plan.Clients = append(r.plan.Clients, ClientIdentity{Name: q.CN})
	}
	r.leaf(q)
}

// hosts leaves out what the tutorials' empty string and cfssl's e-mail addresses
// and URIs would ask for.
func (r *cfsslReader) hosts(q cfsslRequest) []string {
	var hosts []string
	for _, h := range q.Hosts {
		switch {
		case h == "":
		case validateHosts("", []string{h}) != nil:
			r.note("host %q is left out: it is neither a DNS name nor an IP address", h)
		default:
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// key is the algorithm that a request asks for, or the nearest that there is.
func (r *cfsslReader) key(q cfsslRequest) KeyAlgorithm {
	if q.Key == nil {
		return ""
	}
	asked := KeyAlgorithm(fmt.Sprintf("%s-%d", q.Key.Algo, q.Key.Size))
	instead := ECDSAP256
	switch q.Key.Algo {
	case "ecdsa":
		asked = KeyAlgorithm(fmt.Sprintf("ecdsa-p%d", q.Key.Size))
		if q.Key.Size > 384 {
			instead = ECDSAP384
		}
	case "ed25519":
		asked = Ed25519
	case "rsa":
		instead = RSA4096
	}
	if asked.validate("") != nil {
		r.note("key %s is not supported: %s takes its place", asked, instead)
		return instead
	}
	return asked
}

// subject gathers the names of a request, as cfssl does.
func (r *cfsslReader) subject(names []json.RawMessage) pkix.Name {
	var subject pkix.Name
	for _, raw := range names {
		var n struct{ C, ST, L, O, OU string }
		if err := json.Unmarshal(raw, &n); err != nil {
			r.note("names: left out: %s", err)
			continue
		}
		r.ignored(raw, "names: ", "C", "ST", "L", "O", "OU")
		add := func(list *[]string, value string) {
			if value != "" {
				*list = append(*list, value)
			}
		}
		add(&subject.Country, n.C)
		add(&subject.Province, n.ST)
		add(&subject.Locality, n.L)
		add(&subject.Organization, n.O)
		add(&subject.OrganizationalUnit, n.OU)
	}
	return subject
}
