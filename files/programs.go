package files

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/internal/listening"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// This file is what runs members as programs: process managers, and whole machines.

// InProcesses places members that a Procfile starts, which finds their data and
// certificates from the folder that it will be in; the current one for no output.
func (w Writer) InProcesses(output, dataDir string) (cluster.Placement, error) {
	data, errData := from(output, dataDir)
	certs, errCerts := from(output, w.CertsDir)
	return cluster.InProcesses(path.Clean(data), path.Clean(certs)), errors.Join(errData, errCerts)
}

// ProcfileOptions are what Procfiles differ in.
type ProcfileOptions struct {
	Output string // the file that it will be; empty for one in the current folder
	Etcd   string // what starts an etcd, as a shell reads it
	// Own are the addresses that the members have already where they run, as those of
	// `etcdctr up --runtime process`.
	Own []string
	// Warn is told what may surprise; may be nil.
	Warn func(error)
}

// Procfile gives the Procfile of a cluster that is placed so, and makes what it needs. It
// is a *KeptError if the file is there and has lines of somebody else.
func (w Writer) Procfile(ctx context.Context, c *cluster.Cluster, o ProcfileOptions) ([]byte, error) {
	if c.SpansMachines() {
		return nil, &UnfitError{"", fmt.Sprintf("the members of %s have machines of their own, and a Procfile is for one machine: see `etcdctr systemd`", c.Name)}
	}
	if err := keep(o.Output, inProcfile); err != nil {
		return nil, err
	}
	warnOfUsers(c, "a Procfile", "they are made with `etcdctl`; `etcdctr up --runtime process` starts members with those of auth", o.Warn)
	if o.Warn != nil {
		o.warnOfTakenAddresses(c)
	}
	return compose.Procfile(c, o.Etcd), w.Provide(ctx, c)
}

// warnOfTakenAddresses names the members that are to listen where something else does
// now. It only warns: that may be these very members, running where nobody sees it.
func (o ProcfileOptions) warnOfTakenAddresses(c *cluster.Cluster) {
	for _, m := range c.Members {
		var taken []string
		for _, setting := range []string{"listen-client-urls", "listen-peer-urls", "listen-metrics-urls"} {
			for one := range strings.SplitSeq(m.Settings.Get(setting), ",") {
				if u, err := url.Parse(one); err == nil && u.Host != "" && !slices.Contains(o.Own, u.Host) && listening.Taken(u.Host) {
					taken = append(taken, u.Host)
				}
			}
		}
		if n := len(taken); n > 0 {
			o.Warn(fmt.Errorf("%s, where %s is to listen, %s in use: if %s not by this cluster, give the member another client-port",
				listed.And(taken), m.Name, listed.Of(n, "is", "are"), listed.Of(n, "it is", "they are")))
		}
	}
}

// Program is where units expect etcdctr.
const Program = "/usr/local/bin/etcdctr"

// Etcd is how units start etcd where they are told of none: the one in Program.
const Etcd = Program + " etcd"

// UnitOptions are what systemd units differ in.
type UnitOptions struct {
	Member string // only this one's
	Etcd   string // absolute path of an etcd on the machines; empty for Etcd
	// Warn is told what may surprise; may be nil.
	Warn func(error)
}

// Units gives the systemd units of a cluster that is placed cluster.UnderSystemd, with
// their environment files, and makes what they need.
func (w Writer) Units(ctx context.Context, c *cluster.Cluster, o UnitOptions) ([]compose.File, error) {
	program, part := Etcd, c
	if o.Etcd != "" {
		program = o.Etcd
	}
	if o.Member != "" {
		var err error
		if part, err = member(c, o.Member); err != nil {
			return nil, err
		}
	}
	warnOfUsers(c, "a unit", "they are made: with `etcdctl`, or by `etcdctr up` where that looks after the members", o.Warn)
	if err := w.Provide(ctx, c); err != nil {
		return nil, err
	}
	files := compose.UnitFiles(part, program)
	if o.Member == "" {
		files = append(files, compose.BackupUnitFiles(c, Program)...)
	}
	return files, nil
}

// NoMachinesError is the error of packing for machines what has none.
type NoMachinesError struct{ Name string }

func (e *NoMachinesError) Error() string {
	return fmt.Sprintf("the members of %s have no machines of their own", e.Name)
}

// JoinsError is the error of packing a member that a cluster, which is founded already,
// does not have yet.
type JoinsError struct{ Member, Cluster string }

func (e *JoinsError) Error() string {
	return fmt.Sprintf("%s is to join %s, which is founded already", e.Member, e.Cluster)
}

// Bundles writes an archive for each machine of a cluster into a folder, or for those of
// the members that are named, and makes what they need. It tells of each that it has
// written.
func (w Writer) Bundles(ctx context.Context, c *cluster.Cluster, folder string, members []string, tell func(file string, m bundle.Machine)) error {
	if !c.SpansMachines() {
		return &NoMachinesError{c.Name}
	}
	native, err := cluster.Resolve(c.Spec, cluster.UnderSystemd)
	if err != nil {
		return err
	}
	founded, err := asFounded(c, folder, members)
	if err != nil {
		return err
	}
	c, native = c.AsStarted(founded), native.AsStarted(founded)
	if err := w.Provide(ctx, c); err != nil {
		return err
	}
	if err := hosts.Keep(folder, c.Name); err != nil {
		return err
	}
	var errs []error
	for _, m := range bundle.Machines(c, native, w.CertsDir, Etcd) {
		if len(members) > 0 && !slices.Contains(members, m.Member()) {
			continue
		}
		file := filepath.Join(folder, m.Name()+".tar.gz")
		if err := m.Write(ctx, file); err != nil {
			errs = append(errs, fmt.Errorf("cannot write what %s runs: %w", m.Member(), err))
			continue
		}
		tell(file, m)
	}
	return errors.Join(errs...)
}

// asFounded are the settings by which members were founded or have joined, of a cluster
// that has been changed since. Whoever is not among them can't be founded any more.
func asFounded(c *cluster.Cluster, folder string, members []string) (map[string]cluster.Settings, error) {
	founded, err := hosts.Handed(folder, c.Name)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range members {
		if !has(c, name) {
			errs = append(errs, &UnfitError{"", fmt.Sprintf("%s has no member %q", c.Name, name)})
		}
	}
	for _, m := range c.Members {
		_, known := founded[m.Name]
		if len(founded) > 0 && !known && (len(members) == 0 || slices.Contains(members, m.Name)) {
			errs = append(errs, &JoinsError{m.Name, c.Name})
		}
	}
	return founded, errors.Join(errs...)
}
