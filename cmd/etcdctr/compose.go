package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

type composeOptions struct {
	cluster *clusterFlags
	member  string
	envDir  string
	output  string
	target  string
}

func newComposeCommand(a *app) *cobra.Command {
	var o composeOptions
	cmd := &cobra.Command{
		Use:   "compose",
		Short: "Print a Compose file, and make the certificates that it needs",
		Long: `compose prints a Compose file that starts the cluster: three members, mutual
TLS and no published port unless you say otherwise. The certificates it mounts
are made on the way, or reused if they still fit. Nothing but the file goes to
standard output.

With --for swarm, and with runtime: swarm in the cluster file, it is a stack file
for ` + "`docker stack deploy`" + `: every member needs its node there. What a stack
file can't say stands in its first lines; ` + "`etcdctr up`" + ` does that, too.

With --for v1 it is a file for docker-compose 1.27 to 1.29, the last of version 1,
which refuses what today's Compose reads.`,
		Example: `  etcdctr compose > docker-compose.yml && docker compose up -d --wait
  etcdctr compose --members 5 --profile production -o docker-compose.yml
  etcdctr compose --member etcd1 -o etcd1/docker-compose.yml
  etcdctr compose --publish loopback | docker compose -f - up -d
  etcdctr compose --for swarm -o stack.yml && docker stack deploy -c stack.yml etcd`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCompose(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVar(&o.member, "member", "", "only this member, for the machine that the cluster file gives it as host")
	cmd.Flags().StringVar(&o.envDir, "env-dir", "", "write one environment file a member into this folder and refer to them")
	cmd.Flags().Var(&choice{value: &o.target, of: []string{string(cluster.Swarm), forVersion1}}, "for", "what is to run the members other than today's Docker Compose: swarm or v1 (docker-compose 1.27 to 1.29)")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "file to write instead of standard output")
	return cmd
}

// forVersion1 is docker-compose of version 1 as a target.
const forVersion1 = "v1"

func runCompose(ctx context.Context, a *app, o composeOptions) error {
	if o.target != forVersion1 {
		o.cluster.runtime = o.target
	}
	o.cluster.byFolder = o.output != "" // what a shell writes into is empty by now
	c, err := o.cluster.resolve(a)
	if err != nil {
		return err
	}
	if c.Runtime == cluster.Swarm && o.target == forVersion1 {
		return usage(errors.New("--for v1: docker-compose of version 1 has no swarm: leave it out, or leave out runtime: swarm"))
	}
	if c.Runtime == cluster.Swarm {
		return printStack(ctx, a, c, o)
	}
	whole := c
	if c, err = machinePart(c, o.member); err != nil {
		return err
	}
	if c.SpansMachines() && o.target == forVersion1 {
		return usage(errors.New("--for v1: a machine's part of a cluster is for today's Compose only"))
	}
	c, err = ofMachine(o.cluster, a, c, func(ctx context.Context, e *engines) (*cluster.Cluster, error) {
		return e.AsStarted(ctx, c, filepath.Dir(o.output))
	})
	if err != nil {
		return err
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	file, err := renderCompose(ctx, c, o, dir, nil)
	if err != nil {
		return err
	}
	a.warnOfTakenPorts(c)
	if err := a.prepare(ctx, whole, o.cluster); err != nil {
		return err
	}
	if o.envDir != "" {
		if err := writeEnvFiles(c, o.envDir); err != nil {
			return err
		}
	}
	return a.writeResult(o.output, file)
}

// printStack prints a cluster for a swarm, where certificates are called by what is
// in them: so they are made first.
func printStack(ctx context.Context, a *app, c *cluster.Cluster, o composeOptions) error {
	if o.member != "" {
		return usage(errors.New("--member: the nodes of a swarm all go by one file"))
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	contents, err := identityContents(c, dir)
	if err != nil {
		return err
	}
	file, err := renderCompose(ctx, c, o, dir, contents)
	if err != nil {
		return err
	}
	if o.envDir != "" {
		if err := writeEnvFiles(c, o.envDir); err != nil {
			return err
		}
	}
	return a.writeResult(o.output, file)
}

// identityContents reads the members' certificates and keys.
func identityContents(c *cluster.Cluster, certsDir string) (map[string][]byte, error) {
	contents := map[string][]byte{}
	if c.TLS != cluster.Mutual {
		return contents, nil
	}
	for _, m := range c.Members {
		for _, f := range compose.IdentityFiles() {
			data, err := os.ReadFile(filepath.Join(certsDir, filepath.FromSlash(f.Of(m.Name))))
			if err != nil {
				return nil, fmt.Errorf("cannot read the certificates of %s: %w", m.Name, err)
			}
			contents[f.Of(m.Name)] = data
		}
	}
	return contents, nil
}

// machinePart is what the machine of the named member runs. Where members have
// no machines of their own, it is everything.
func machinePart(c *cluster.Cluster, member string) (*cluster.Cluster, error) {
	switch {
	case member == "" && !c.SpansMachines():
		return c, nil
	case member == "":
		return nil, usage(fmt.Errorf("the members of %s have machines of their own: say whose with --member, or make them all with `etcdctr bundle`", c.Name))
	}
	m, err := findMember(c, member)
	if err != nil {
		return nil, err
	}
	if !c.SpansMachines() {
		return nil, usage(fmt.Errorf("--member: the members of %s run on one machine: give each its host in the cluster file", c.Name))
	}
	return c.Only(m.Name), nil
}

// renderCompose makes the Compose file. Its paths are meant from the folder it
// will be in: that of -o, or the current one.
func renderCompose(ctx context.Context, c *cluster.Cluster, o composeOptions, certsDir string, contents map[string][]byte) ([]byte, error) {
	base := "."
	if o.output != "" {
		base = filepath.Dir(o.output)
	}
	var errs []error
	at := func(path string) string {
		if path == "" {
			return ""
		}
		p, err := composePath(base, path)
		errs = append(errs, err)
		return p
	}
	options := compose.Options{CertsDir: at(certsDir), EnvDir: at(o.envDir), DNSDir: at(o.cluster.configDir("dns", c)), MonitoringDir: at(o.cluster.configDir("monitoring", c)), Contents: contents}
	if c.Backup != nil {
		options.Backups = c.Backup.Destination
		if c.Backup.InFolder() {
			options.Backups = at(options.Backups)
		}
	}
	if c.Discovery != nil {
		files := c.Discovery.Credentials
		options.Credentials = cluster.DiscoveryCredentials{CACert: at(files.CACert), Cert: at(files.Cert), Key: at(files.Key)}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	project := compose.Project(c, options)
	if o.target == forVersion1 {
		project = compose.Version1(project)
	}
	return compose.Marshal(ctx, c, project)
}

// composePath writes a path the way a Compose file in base needs it: with
// slashes, and recognizable as a path.
func composePath(base, path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.ToSlash(filepath.Clean(path)), nil
	}
	absBase, err := filepath.Abs(base)
	if err != nil {
		return "", fmt.Errorf("cannot find the current folder: %w", err)
	}
	absPath, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cannot find the current folder: %w", err)
	}
	rel, err := filepath.Rel(absBase, absPath)
	if err != nil {
		return filepath.ToSlash(absPath), nil // on another drive
	}
	rel = filepath.ToSlash(rel)
	if !strings.HasPrefix(rel, "../") {
		rel = "./" + rel
	}
	return rel, nil
}

// warnOfTakenPorts names the members whose published port something else uses
// now. It only warns: what uses it may be this very stack, running.
func (a *app) warnOfTakenPorts(c *cluster.Cluster) {
	for _, m := range c.Members {
		addr := m.Published()
		if !addr.IsValid() {
			continue
		}
		l, err := net.Listen("tcp", addr.String())
		if err != nil {
			a.warn("%s, the port of %s, is in use: if it is not by this stack, give the member another client-port", addr, m.Name)
			continue
		}
		l.Close()
	}
}

func writeEnvFiles(c *cluster.Cluster, dir string) error {
	var files []compose.File
	for _, m := range c.Members {
		files = append(files, compose.File{Name: compose.EnvFileName(m), Data: compose.EnvFile(m)})
	}
	return writeFolder(dir, files)
}
