package docker

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// This file is for clusters that a Compose file describes, and no Spec.

// File is a Compose file as the description of a cluster.
type File struct {
	project *types.Project
	cluster *cluster.Cluster
	// CertsDir is the folder of the members' certificates; empty without.
	CertsDir string
}

// ErrNoMember is the error of a Compose file without a service that is marked as
// a member.
var ErrNoMember = fmt.Errorf("it has no member of etcd that etcdctr made: no service of it has the label %s: %s", compose.RoleLabel, compose.RoleMember)

// ReadFile reads a Compose file that `etcdctr compose` has made, whatever has
// been changed in it since. path is where it is.
func ReadFile(ctx context.Context, path string, data []byte) (*File, error) {
	p, err := compose.Load(ctx, path, data, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f := &File{project: p, cluster: &cluster.Cluster{Name: p.Name, Spec: cluster.Spec{Name: p.Name}, Data: cluster.Memory, TLS: cluster.NoTLS}}
	for _, name := range p.ServiceNames() {
		if s := p.Services[name]; s.Labels[compose.RoleLabel] == compose.RoleMember {
			f.add(s)
		}
	}
	if len(f.cluster.Members) == 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrNoMember)
	}
	return f, nil
}

// Name is that of the cluster.
func (f *File) Name() string { return f.cluster.Name }

// add takes a member from its service.
func (f *File) add(s types.ServiceConfig) {
	m := cluster.Member{Name: s.Name, Settings: settingsIn(s.Environment), Environment: map[string]string{}}
	m.Place.Host = s.Name
	c := f.cluster
	c.Image, c.Etcd = s.Image, releaseIn(s.Image)
	switch {
	case m.Settings.Get("trusted-ca-file") != "":
		c.TLS = cluster.Mutual
	case m.Settings.Get("auto-tls") == "true":
		c.TLS = cluster.AutoTLS
	}
	if s.StopGracePeriod != nil {
		c.Upkeep.StopGrace = time.Duration(*s.StopGracePeriod)
	}
	for _, v := range s.Volumes {
		switch {
		case v.Target == cluster.ContainerVolumeDir && v.Type == types.VolumeTypeVolume:
			c.Data = cluster.Volume
			if known := f.project.Volumes[v.Source]; known.External {
				m.Store.Volume, c.Protect = known.Name, true
			}
		case v.Target == cluster.ContainerVolumeDir && v.Type == types.VolumeTypeBind:
			c.Data, m.Store.Folder = cluster.Volume, v.Source
		case v.Target == cluster.ContainerCertsDir && v.Type == types.VolumeTypeBind:
			f.CertsDir = filepath.Dir(filepath.Dir(v.Source))
		}
	}
	c.Members = append(c.Members, m)
}

// settingsIn are etcd's among the variables of a service, by name.
func settingsIn(env types.MappingWithEquals) cluster.Settings {
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if env[name] != nil {
			environ = append(environ, name+"="+*env[name])
		}
	}
	return cluster.SettingsIn(environ)
}

// releaseIn reads an image's tag. What tells nothing counts as the release that
// a Spec gets which names none.
func releaseIn(image string) cluster.Version {
	if ref, err := reference.ParseNormalizedNamed(image); err == nil {
		if tagged, ok := ref.(reference.Tagged); ok {
			if v, err := cluster.ParseVersion(tagged.Tag()); err == nil {
				return v
			}
		}
	}
	return cluster.DefaultVersion
}

// with gives the file's project with the members' settings as c has them: what a
// member is founded or joins by is for who runs it to say.
func (f *File) with(c *cluster.Cluster) *types.Project {
	p := *f.project
	p.Services = maps.Clone(f.project.Services)
	for _, m := range c.Members {
		s := p.Services[m.Name]
		s.Environment = maps.Clone(s.Environment)
		for name := range s.Environment {
			if strings.HasPrefix(name, "ETCD_") {
				delete(s.Environment, name)
			}
		}
		for _, x := range m.Settings {
			s.Environment[x.Env()] = &x.Value
		}
		p.Services[m.Name] = s
	}
	return &p
}
