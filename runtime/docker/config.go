package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/monitoring"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file is about services of a stack that are not etcd and read files, which
// change while they run: its DNS server and its Prometheus.

// Config is what such a service reads.
type Config struct {
	Service string
	What    string            // the service, for people
	Folder  string            // beside the Compose file, as compose.Options name it
	Files   map[string][]byte // by their names in the folder

	reload string // the signal that has it read them again
	alone  bool   // they may change while no member does
}

// Configs are what the services of a cluster's stack read.
func Configs(c *cluster.Cluster) ([]Config, error) {
	var all []Config
	if c.DNS != nil && len(c.DNS.Addresses) > 0 {
		all = append(all, Config{Service: cluster.DNSServerName, What: "the DNS server", Folder: "dns", reload: "SIGUSR1", Files: map[string][]byte{
			dns.ZoneName:     dns.Zone(c),
			dns.CorefileName: dns.Corefile(c, compose.ContainerDNSDir),
		}})
	}
	if c.Monitoring != nil {
		files, err := monitoring.Stack(c, compose.ContainerMonitoringCertsDir)
		if err != nil {
			return nil, err
		}
		all = append(all, Config{Service: cluster.PrometheusName, What: "Prometheus", Folder: "monitoring", reload: "SIGHUP", alone: true, Files: files})
	}
	return all, nil
}

// WriteConfigs writes what the services of a cluster's stack read, below the folder of
// its Compose file.
func WriteConfigs(c *cluster.Cluster, folder string) error {
	all, err := Configs(c)
	for _, x := range all {
		x.Folder = filepath.Join(folder, x.Folder, c.Name)
		if _, err := x.write(false); err != nil {
			return err
		}
	}
	return err
}

// configs are those of a cluster, with the folders that they are in here.
func (r *Runtime) configs(c *cluster.Cluster) ([]Config, error) {
	all, err := Configs(c)
	for i, x := range all {
		dir := map[string]string{cluster.DNSServerName: r.o.DNSDir, cluster.PrometheusName: r.o.MonitoringDir}[x.Service]
		all[i].Folder = filepath.FromSlash(r.at(filepath.Join(dir, c.Name)))
	}
	return all, err
}

// differing are the files that are not there as they are wanted; with onlyMissing,
// not at all.
func (x Config) differing(onlyMissing bool) ([]string, error) {
	var names []string
	for name, data := range x.Files {
		was, err := os.ReadFile(filepath.Join(x.Folder, name))
		switch {
		case err == nil && (onlyMissing || bytes.Equal(was, data)):
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("cannot read the files of %s: %w", x.What, err)
		default:
			names = append(names, name)
		}
	}
	return names, nil
}

// write brings the files to what is wanted, and reports whether they were not.
// With onlyMissing those that there are stay as they are.
func (x Config) write(onlyMissing bool) (changed bool, err error) {
	written, err := x.writeFiles(onlyMissing)
	return len(written) > 0, err
}

// writeFiles is write, and gives the files that it has written.
func (x Config) writeFiles(onlyMissing bool) (written []string, err error) {
	names, err := x.differing(onlyMissing)
	for _, name := range names {
		path := filepath.Join(x.Folder, name)
		if err := writeFile(path, x.Files[name]); err != nil {
			return written, fmt.Errorf("cannot write the files of %s: %w", x.What, err)
		}
		written = append(written, path)
	}
	return written, err
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return outfile.Note(path, data, 0o644)
}

// writeMissing has every service find files, without a word to one that runs, and gives
// those that were not there.
func (r *Runtime) writeMissing(c *cluster.Cluster) (written []string, err error) {
	all, err := r.configs(c)
	for _, x := range all {
		files, err := x.writeFiles(true)
		written = append(written, files...)
		if err != nil {
			return written, err
		}
	}
	return written, err
}

// removeConfigs deletes what the services of a cluster's stack have read: its data is gone.
// Where a Compose file beside it names them, somebody may start the cluster by that again.
func (r *Runtime) removeConfigs(name string) error {
	for dir, files := range map[string][]string{
		r.o.DNSDir:        {dns.ZoneName, dns.CorefileName},
		r.o.MonitoringDir: {monitoring.ConfigName, monitoring.RulesName},
	} {
		if dir == "" || r.o.File != nil || r.inComposeFile(path.Join(filepath.ToSlash(dir), name)) {
			continue
		}
		for i, file := range files {
			files[i] = filepath.FromSlash(r.at(filepath.Join(dir, name, file)))
		}
		if err := removeFiles(files); err != nil {
			return err
		}
	}
	return nil
}

// removeFiles deletes files that may be there, and the folders of them and above them that
// hold nothing else.
func removeFiles(files []string) error {
	for _, file := range files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot delete what a service has read: %w", err)
		}
		_ = os.Remove(filepath.Dir(file))
		_ = os.Remove(filepath.Dir(filepath.Dir(file)))
	}
	return nil
}

// inComposeFile tells that a Compose file in the folder may name a folder there.
func (r *Runtime) inComposeFile(folder string) bool {
	beside, _ := filepath.Glob(filepath.Join(r.o.Folder, "*.y*ml")) // or nobody can name one
	return slices.ContainsFunc(beside, func(file string) bool {
		text, err := os.ReadFile(file)
		return err != nil || bytes.Contains(text, []byte(folder))
	})
}

// applyConfigs has services that run know all members before any of them is
// started that is new: etcd asks the DNS server for each once, and goes by the
// answer.
func (r *Runtime) applyConfigs(ctx context.Context, want *cluster.Cluster) error {
	all, err := r.configs(want)
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := r.applyConfig(ctx, want, x); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) applyConfig(ctx context.Context, want *cluster.Cluster, x Config) error {
	changed, err := x.write(false)
	if err != nil {
		return err
	}
	f, err := r.find(ctx, want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, ok := f.Own.Service(x.Service)
	if !ok || !c.Running() {
		return nil
	}
	behind := slices.ContainsFunc(want.Members, func(m cluster.Member) bool {
		_, there := f.Own.Service(m.Name)
		return !there
	})
	if !changed && !behind {
		return nil
	}
	if err := r.apply(ctx, want, []string{x.Service}); err != nil { // copies its files where the engine sees none
		return err
	}
	return r.reload(ctx, c, x)
}

// reload has a service read its files again.
func (r *Runtime) reload(ctx context.Context, c stack.Container, x Config) error {
	_, err := r.engine.ContainerKill(ctx, c.ID, client.ContainerKillOptions{Signal: x.reload})
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // replaced, and so it has read them
		return fmt.Errorf("have %s read its files: %w", x.What, err)
	}
	return nil
}

// rewritten are the services, by name, that wait for nothing but other files: for
// another release there are other rules, and by another version of this program.
func (r *Runtime) rewritten(c *cluster.Cluster) (map[string]bool, error) {
	all, err := r.configs(c)
	if err != nil || r.o.File != nil {
		return nil, err
	}
	services := map[string]bool{}
	for _, x := range all {
		names, err := x.differing(false)
		if err != nil {
			return nil, err
		}
		services[x.Service] = x.alone && len(names) > 0
	}
	return services, nil
}
