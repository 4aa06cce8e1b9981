package forward

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Etcdctl is an etcdctl that reaches members by way of this machine's ports.
type Etcdctl struct {
	// Args are what it was called with, with the members' addresses on this
	// machine in the place of their own in --endpoints.
	Args []string
	// Env is the caller's environment, and what leads to the members.
	Env []string
	// Asks says that it asks the members: not where the caller names endpoints himself,
	// which need not be theirs, nor where he wants help or the version.
	Asks bool

	ports *Ports
	proxy *proxy
}

// ForEtcdctl opens the way for one call of etcdctl, with the caller's arguments
// and environment. What it is told by flags wins. certsDir is a folder as package
// certs lays it out, and client the identity in it that etcdctl shows.
func ForEtcdctl(ctx context.Context, way *etcdctr.Connection, certsDir, client string, args, environ []string) (*Etcdctl, error) {
	ports, err := Open(ctx, way, Loopback)
	if err != nil {
		return nil, err
	}
	members := way.Reachable()
	e := &Etcdctl{Args: translateEndpoints(args, members, ports), Asks: asks(args), ports: ports}
	if e.proxy, err = startProxy(members, way.Way.Dial); err != nil {
		e.Close()
		return nil, err
	}
	endpoints, err := e.endpoints(ctx, way, certsDir, args)
	if err != nil {
		e.Close()
		return nil, err
	}
	vars, err := Variables(way.TLSMode(), endpoints, certs.ClientDir(certsDir, client))
	if err != nil {
		e.Close()
		return nil, err
	}
	e.Env = append(environment(environ, vars, e.Args), e.proxy.environment()...)
	return e, nil
}

// Close ends the way.
func (e *Etcdctl) Close() {
	e.ports.Close()
	if e.proxy != nil {
		e.proxy.close()
	}
}

// Variables are what etcdctl, and a Go program, needs in its environment to reach
// endpoints. The files are those of a client's folder as package certs lays it out;
// it counts with mutual TLS only.
func Variables(mode cluster.TLSMode, endpoints []string, clientDir string) ([]cluster.Variable, error) {
	vars := []cluster.Variable{{Name: "ETCDCTL_ENDPOINTS", Value: strings.Join(endpoints, ",")}}
	switch mode {
	case cluster.NoTLS:
		return vars, nil
	case cluster.AutoTLS:
		return append(vars,
			cluster.Variable{Name: "ETCDCTL_INSECURE_SKIP_TLS_VERIFY", Value: "true"},
			cluster.Variable{Name: "ETCDCTL_INSECURE_TRANSPORT", Value: "false"}), nil
	}
	dir, err := filepath.Abs(clientDir)
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	return append(vars,
		cluster.Variable{Name: "ETCDCTL_CACERT", Value: filepath.Join(dir, certs.CAFile)},
		cluster.Variable{Name: "ETCDCTL_CERT", Value: filepath.Join(dir, certs.CertFile)},
		cluster.Variable{Name: "ETCDCTL_KEY", Value: filepath.Join(dir, certs.KeyFile)},
	), nil
}

// endpoints are the members that etcdctl is told. It takes a snapshot of one member
// only. Where it asks each by a client of its own and says which has answered, members
// are called by their names, which the proxy knows: see there why that is not so for
// other commands. One of them is --cluster, which asks for the members first.
func (e *Etcdctl) endpoints(ctx context.Context, way *etcdctr.Connection, certsDir string, args []string) ([]string, error) {
	switch word := commandOf(args); {
	case given(args, "--endpoints"):
	case word == "snapshot":
		return e.source(ctx, way)
	case (word == "defrag" || word == "endpoint") && !given(args, "--cluster"):
		return namedURLs(way.Reachable(), certsDir), nil
	}
	return e.ports.URLs(), nil
}

// source is the member whose snapshot costs least.
func (e *Etcdctl) source(ctx context.Context, way *etcdctr.Connection) ([]string, error) {
	name, err := way.Source(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(way.Reachable(), func(m runtime.Server) bool { return m.Name == name })
	return e.ports.URLs()[i : i+1], nil
}

// asks reports whether etcdctl asks the members that it is told, as it is called.
func asks(args []string) bool {
	switch commandOf(args) {
	case "", "version", "help", "completion":
		return false
	}
	return !given(args, "--endpoints") && !given(args, "--help") && !given(args, "-h")
}

// given reports whether a flag is among the arguments.
func given(args []string, flag string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == flag || strings.HasPrefix(arg, flag+"=") })
}

// commandOf is the word that etcdctl's command begins with; empty if there is none.
func commandOf(args []string) string {
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "-"):
			continue
		case i > 0 && strings.HasPrefix(args[i-1], "-") && !strings.Contains(args[i-1], "="):
			continue // the value of a flag, most likely
		}
		return arg
	}
	return ""
}

// namedURLs are those of the members by their names, as far as what they show
// answers to these.
func namedURLs(members []runtime.Server, certsDir string) []string {
	var urls []string
	for _, m := range members {
		u, err := url.Parse(m.ClientURL())
		if err == nil && (m.TLS() != cluster.Mutual || answersTo(certsDir, m.Name)) {
			u.Host = net.JoinHostPort(m.Name, u.Port())
			urls = append(urls, u.String())
			continue
		}
		urls = append(urls, m.ClientURL())
	}
	return urls
}

// answersTo reports whether a member's certificate is for its name: one that was
// made elsewhere may not be.
func answersTo(certsDir, member string) bool {
	cert, err := certs.LoadCertificate(filepath.Join(certsDir, "members", member, "server", certs.CertFile))
	return err == nil && cert.VerifyHostname(member) == nil
}

// translateEndpoints puts the members' addresses on this machine in the place
// of their own, in the flag --endpoints.
func translateEndpoints(args []string, members []runtime.Server, open *Ports) []string {
	const flag = "--endpoints"
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, flag+"=") || i > 0 && args[i-1] == flag {
			for n, m := range members {
				args[i] = strings.ReplaceAll(args[i], hostOf(m.ClientURL()), open.listeners[n].Addr().String())
			}
		}
	}
	return args
}

// environment is the caller's environment with vars in the place of his
// own, but for those that he gives as flags: etcdctl refuses to be told twice.
func environment(caller []string, vars []cluster.Variable, args []string) []string {
	env := slices.DeleteFunc(slices.Clone(caller), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch strings.ToUpper(name) {
		case "ETCDCTL_ENDPOINTS", "ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY", "HTTPS_PROXY", "NO_PROXY":
			return true
		}
		return false
	})
	for _, v := range vars {
		flag := "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v.Name, "ETCDCTL_")), "_", "-")
		if !given(args, flag) {
			env = append(env, v.Name+"="+v.Value)
		}
	}
	return env
}
