package cluster

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// This file is about the engines of the members' machines.

// Engine is how the Docker Engine of a member's machine is reached. Its zero value
// says that nobody reaches it from here.
type Engine struct {
	// At is ssh://user@host, tcp://host:port, unix:///path, npipe://path or the name
	// of one of Docker's contexts.
	At string
	// Certs is a folder with ca.pem, cert.pem and key.pem for one at tcp://; empty:
	// what the environment says, as for the docker command.
	Certs string
}

// Given tells whether there is one.
func (e Engine) Given() bool { return e.At != "" }

// Environment are the variables by which the docker command, and this program, find it;
// none for the one that is found untold.
func (e Engine) Environment() (told []string) {
	switch {
	case e.At == "":
	case !strings.Contains(e.At, "://"):
		told = append(told, "DOCKER_CONTEXT="+e.At)
	default:
		told = append(told, "DOCKER_HOST="+e.At)
	}
	if e.Certs != "" {
		told = append(told, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+e.Certs)
	}
	return told
}

// HasEngines reports whether a member's machine has an engine that is reached from
// here.
func (s Spec) HasEngines() bool {
	return slices.ContainsFunc(s.Members.List, func(m MemberSpec) bool { return m.Engine != "" })
}

// contextNames is the docker command's own rule for its contexts.
var contextNames = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$`)

// engine reads how a member's engine is reached.
func (r *resolver) engine(at string, ms MemberSpec) Engine {
	e := Engine{At: ms.Engine, Certs: ms.EngineCerts}
	scheme, _, _ := strings.Cut(e.At, "://")
	switch {
	case e.At == "" && e.Certs == "":
		return e
	case e.At == "":
		r.report(at+".engine-certs", "has no effect without engine: say where the engine is, or leave it out")
		return Engine{}
	case ms.Host == "":
		r.report(at+".engine", "has no effect without host: give the member the address of its machine, which the other members reach")
	case Runtime(r.spec.Runtime).RunsPrograms():
		r.report(at+".engine", "has no effect with runtime: %s: leave one of the two out", r.spec.Runtime)
	}
	if err := checkEngine(e.At); err != nil {
		r.report(at+".engine", "%s", err)
	}
	if e.Certs != "" && scheme != "tcp" {
		r.report(at+".engine-certs", "is for an engine at tcp://: ssh has keys of its own, and a context its certificates")
	}
	return e
}

// checkEngine tells what is wrong with the way to an engine.
func checkEngine(at string) error {
	const forms = "ssh://user@host, tcp://host:2376, unix:///path or the name of a Docker context"
	scheme, rest, isURL := strings.Cut(at, "://")
	if !isURL {
		if !contextNames.MatchString(at) {
			return fmt.Errorf("must be %s, not %q", forms, at)
		}
		return nil
	}
	u, err := url.Parse(at)
	switch {
	case err != nil:
		return fmt.Errorf("must be %s, not %q", forms, at)
	case scheme == "unix" || scheme == "npipe":
		if rest == "" {
			return fmt.Errorf("%q has no path", at)
		}
		return nil
	case scheme != "ssh" && scheme != "tcp":
		return fmt.Errorf("must be %s, not %q", forms, at)
	case u.Hostname() == "":
		return fmt.Errorf("%q names no machine", at)
	case scheme == "tcp" && u.Port() == "":
		return fmt.Errorf("%q has no port: an engine listens with TLS at 2376", at)
	}
	if _, secret := u.User.Password(); secret {
		return fmt.Errorf("has a password: use a key, which ssh's agent holds")
	}
	return nil
}

// enginesOfAll wants an engine for every member, or for none, and each its own.
func (r *resolver) enginesOfAll(list []MemberSpec) {
	if !r.spec.HasEngines() {
		return
	}
	if r.spec.Adopts != "" {
		r.report("adopts", "has no effect on members whose machines have engines: leave one of the two out")
	}
	whose := map[string]string{}
	for i, ms := range list {
		at := memberPath(i) + ".engine"
		other, taken := whose[ms.Engine]
		switch {
		case ms.Engine == "" && ms.Host != "":
			r.report(at, "is missing: when one member's engine is reached from here, every member's is; without any, `etcdctr up` says what to run on each machine")
		case ms.Engine == "":
		case taken:
			r.report(at, "%s is the engine of %s too: each member has a machine of its own", ms.Engine, other)
		default:
			whose[ms.Engine] = ms.Name
		}
	}
}
