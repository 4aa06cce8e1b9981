package swarm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/swarm"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Changes compares what is wanted with the services that there are.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, _ *runtime.State) ([]runtime.Change, error) {
	t, err := r.target(ctx, want)
	if err != nil {
		return nil, err
	}
	if err := t.checkStrays(); err != nil {
		return nil, err
	}
	var all []runtime.Change
	for _, m := range t.members {
		s, there := t.service(m.Name)
		if !there {
			all = append(all, runtime.Change{Server: m.Name, Kind: runtime.Missing})
			continue
		}
		change, err := t.change(m, s)
		if err != nil {
			return nil, err
		}
		if change.Kind == runtime.Foreign || len(change.Differences) > 0 {
			all = append(all, change)
		}
	}
	for _, s := range t.services {
		if !slices.ContainsFunc(t.members, func(m member) bool { return m.Name == t.server(s) }) {
			all = append(all, runtime.Change{Server: t.server(s), Kind: runtime.Leave})
		}
	}
	slices.SortFunc(all, func(a, b runtime.Change) int { return strings.Compare(a.Server, b.Server) })
	return all, nil
}

func (t *target) change(m member, s swarm.Service) (runtime.Change, error) {
	change := runtime.Change{Server: m.Name, Kind: runtime.Replace}
	foreign, err := t.foreign(m, s)
	if err != nil {
		return change, err
	}
	if foreign {
		change.Kind = runtime.Foreign
		return change, nil
	}
	change.Differences = t.differences(m, s)
	if node := t.nodeOf(s); node != m.node && node != "" {
		change.Anew = t.cluster.Data == cluster.Volume
		change.Differences = slices.DeleteFunc(change.Differences, func(d runtime.Difference) bool { return d.Name == runtime.Volume }) // of course
	}
	return change, nil
}

// foreign reports whether a service's certificates were signed by others than those
// that this cluster's trust.
func (t *target) foreign(m member, s swarm.Service) (bool, error) {
	theirs := t.authority(s)
	if t.cluster.TLS != cluster.Mutual || theirs == nil {
		return false, nil
	}
	i := slices.IndexFunc(m.files, func(f file) bool { return f.Profile == peer && f.Name == certs.CAFile })
	if i < 0 {
		return true, nil // it has certificates, and not of a folder that has none
	}
	shared, err := certs.ShareAuthority(m.files[i].data, theirs)
	if err != nil {
		return false, fmt.Errorf("compare the authorities of %s: %w", m.Name, err)
	}
	return !shared, nil
}

const peer = string(certs.Peer)

// authority is what a service trusts its peers by; nil for nothing.
func (t *target) authority(s swarm.Service) []byte {
	for _, ref := range s.Spec.TaskTemplate.ContainerSpec.Configs {
		if ref.File == nil || !strings.HasSuffix(ref.File.Name, "/"+peer+"/"+certs.CAFile) {
			continue
		}
		for _, c := range t.configs {
			if c.ID == ref.ConfigID {
				return c.Spec.Data
			}
		}
	}
	return nil
}

// differences are those of a service, its settings first, in reading order.
func (t *target) differences(m member, s swarm.Service) []runtime.Difference {
	return differencesOf(t.found, m.Settings, s, t.specOf(m))
}

func differences(f *found, s swarm.Service, wanted swarm.ServiceSpec) []runtime.Difference {
	return differencesOf(f, cluster.SettingsIn(wanted.TaskTemplate.ContainerSpec.Env), s, wanted)
}

func differencesOf(f *found, settings cluster.Settings, s swarm.Service, wanted swarm.ServiceSpec) []runtime.Difference {
	was, is := s.Spec.TaskTemplate.ContainerSpec, wanted.TaskTemplate.ContainerSpec
	all := runtime.SettingDifferences(cluster.SettingsIn(was.Env), settings)
	plain := begun(s.Spec)
	for _, d := range []runtime.Difference{
		imageDifference(s.Spec, wanted),
		{Name: runtime.Volume, Was: volumeOf(s), Is: volumeOf(swarm.Service{Spec: wanted})},
		{Name: "node", Was: f.nodes.hostname(f.nodeOf(s)), Is: f.nodes.hostname(f.nodeOf(swarm.Service{Spec: wanted}))},
		{Name: "restart", Was: restart(plain), Is: restart(wanted)},
		{Name: "stop-grace", Was: grace(was), Is: grace(is)},
	} {
		if d.Was != d.Is {
			all = append(all, d)
		}
	}
	if given(was) != given(is) {
		all = append(all, runtime.Difference{Name: runtime.Certificates})
	}
	if len(all) == 0 && (shape(s.Spec) != shape(wanted) || !slices.Equal(others(was.Env), others(is.Env))) {
		all = append(all, runtime.Difference{Name: runtime.Configuration})
	}
	return all
}

func imageDifference(was, is swarm.ServiceSpec) runtime.Difference {
	before, now := was.TaskTemplate.ContainerSpec.Image, is.TaskTemplate.ContainerSpec.Image
	if now == "" || sameImage(before, now) {
		return runtime.Difference{Name: runtime.Image}
	}
	if a, b := was.Labels[imageLabel], is.Labels[imageLabel]; a != "" && a != b {
		before, now = a, b
	}
	return runtime.Difference{Name: runtime.Image, Was: before, Is: now}
}

// sameImage compares references of which one may have a tag besides its digest.
func sameImage(a, b string) bool {
	_, digestA, pinnedA := strings.Cut(a, "@")
	_, digestB, pinnedB := strings.Cut(b, "@")
	return a == b || pinnedA && pinnedB && digestA == digestB
}

// given are the secrets and configs of a service, by where it finds them.
func given(c *swarm.ContainerSpec) string {
	var all []string
	for _, s := range c.Secrets {
		if s.File != nil {
			all = append(all, fmt.Sprintf("%s %s %s %o", s.File.Name, s.SecretName, s.File.UID, s.File.Mode))
		}
	}
	for _, x := range c.Configs {
		if x.File != nil {
			all = append(all, x.File.Name+" "+x.ConfigName)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// others are the variables that are no settings of etcd, sorted.
func others(env []string) []string {
	rest := slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "ETCD_") })
	slices.Sort(rest)
	return rest
}

func restart(spec swarm.ServiceSpec) string {
	p := spec.TaskTemplate.RestartPolicy
	if p == nil {
		return string(swarm.RestartPolicyConditionAny)
	}
	return string(p.Condition)
}

func grace(c *swarm.ContainerSpec) string {
	if c.StopGracePeriod == nil {
		return ""
	}
	return c.StopGracePeriod.Truncate(time.Second).String()
}
