package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/listening"
)

// Version1 is docker-compose 1.27 to 1.29, the last of version 1.
const Version1 = "v1"

// ComposeOptions are what a Compose file differs in.
type ComposeOptions struct {
	// Output is the file that it will be; empty for one in the current folder.
	Output string
	// EnvDir is a folder that gets one environment file a member, which the file refers
	// to; empty: the file spells the variables.
	EnvDir string
	// Member is the one whose machine it is for, where members have machines.
	Member string
	// For is what reads it: Version1, or empty for today's Compose and a swarm.
	For string
	// AsStarted gives the members as they were started, where some run already from the
	// folder of the file; may be nil.
	AsStarted func(ctx context.Context, c *cluster.Cluster, folder string) (*cluster.Cluster, error)
	// Own gives the addresses of this machine that members have already which run from the
	// folder of the file; may be nil.
	Own func(ctx context.Context, c *cluster.Cluster, folder string) []string
	// Warn is told what may surprise; may be nil.
	Warn func(error)
}

// Compose gives the Compose file of a cluster, or its stack file where a swarm runs it,
// and makes what it needs. It is a *KeptError if the file is there and has services of
// somebody else.
func (w Writer) Compose(ctx context.Context, c *cluster.Cluster, o ComposeOptions) ([]byte, error) {
	part, err := o.part(c)
	if err != nil {
		return nil, err
	}
	if err := keep(o.Output, inCompose); err != nil {
		return nil, err
	}
	if o.AsStarted != nil && c.Runtime != cluster.Swarm {
		if part, err = o.AsStarted(ctx, part, filepath.Dir(o.Output)); err != nil {
			return nil, err
		}
	}
	warnOfUsers(c, "a Compose file", upMakesUsers, o.Warn)
	var file []byte
	if c.Runtime == cluster.Swarm { // where certificates are called by what is in them
		if err := w.Provide(ctx, c); err != nil {
			return nil, err
		}
		contents, err := w.identities(c)
		if err != nil {
			return nil, err
		}
		if file, err = w.render(ctx, part, o, contents); err != nil {
			return nil, err
		}
	} else {
		if file, err = w.render(ctx, part, o, nil); err != nil {
			return nil, err
		}
		o.warnOfTakenPorts(ctx, part)
		if err := w.Provide(ctx, c); err != nil {
			return nil, err
		}
	}
	if o.EnvDir == "" {
		return file, nil
	}
	var env []compose.File
	for _, m := range part.Members {
		env = append(env, compose.File{Name: compose.EnvFileName(m), Data: compose.EnvFile(m)})
	}
	return file, Write(o.EnvDir, env)
}

// part is what the file is about: everything, or what one machine runs.
func (o ComposeOptions) part(c *cluster.Cluster) (*cluster.Cluster, error) {
	switch swarm, machines := c.Runtime == cluster.Swarm, c.SpansMachines(); {
	case swarm && o.For == Version1:
		return nil, &UnfitError{"for " + Version1, "docker-compose of version 1 has no swarm: leave it out, or leave out runtime: swarm"}
	case swarm && o.Member != "":
		return nil, &UnfitError{"member", "the nodes of a swarm all go by one file"}
	case swarm || o.Member == "" && !machines:
		return c, nil
	case o.Member == "":
		return nil, &UnfitError{"", fmt.Sprintf("the members of %s have machines of their own: say whose with --member, or make them all with `etcdctr bundle`", c.Name)}
	}
	part, err := member(c, o.Member)
	switch {
	case err != nil:
		return nil, err
	case !c.SpansMachines():
		return nil, &UnfitError{"member", fmt.Sprintf("the members of %s run on one machine: give each its host in the cluster file", c.Name)}
	case o.For == Version1:
		return nil, &UnfitError{"for " + Version1, "a machine's part of a cluster is for today's Compose only"}
	}
	return part, nil
}

// identities reads the members' certificates and keys, by file.
func (w Writer) identities(c *cluster.Cluster) (map[string][]byte, error) {
	contents := map[string][]byte{}
	if c.TLS != cluster.Mutual {
		return contents, nil
	}
	for _, m := range c.Members {
		for _, f := range compose.IdentityFiles() {
			data, err := os.ReadFile(filepath.Join(w.CertsDir, filepath.FromSlash(f.Of(m.Name))))
			if err != nil {
				return nil, fmt.Errorf("cannot read the certificates of %s: %w", m.Name, err)
			}
			contents[f.Of(m.Name)] = data
		}
	}
	return contents, nil
}

func (w Writer) render(ctx context.Context, c *cluster.Cluster, o ComposeOptions, contents map[string][]byte) ([]byte, error) {
	var errs []error
	at := func(path string) string {
		p, err := from(o.Output, path)
		errs = append(errs, err)
		return p
	}
	options := compose.Options{
		CertsDir: w.CertsDir, EnvDir: o.EnvDir, Contents: contents,
		DNSDir: filepath.Join(w.Folder, "dns"), MonitoringDir: filepath.Join(w.Folder, "monitoring"), // see docker.Config
	}.Of(c, at)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	project := compose.Project(c, options)
	if o.For == Version1 {
		project = compose.Version1(project)
	}
	return compose.Marshal(ctx, c, project)
}

// warnOfTakenPorts names the members whose published port something else uses
// now. It only warns: what uses it may be this very stack, running where nobody sees it.
func (o ComposeOptions) warnOfTakenPorts(ctx context.Context, c *cluster.Cluster) {
	var own []string
	if o.Own != nil {
		own = o.Own(ctx, c, filepath.Dir(o.Output))
	}
	for _, m := range c.Members {
		addr := m.Published()
		if !addr.IsValid() || o.Warn == nil {
			continue
		}
		if !slices.Contains(own, addr.String()) && listening.Taken(addr.String()) {
			o.Warn(fmt.Errorf("%s, the port of %s, is in use: if it is not by this stack, give the member another client-port", addr, m.Name))
		}
	}
}
