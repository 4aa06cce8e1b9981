package adopt

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells what a container was given besides what etcd in it is told: whoever
// wrote that meant something by it, and members of ours are given their own.

// given is something that a container has, by the key that it has in a Compose file.
type given struct{ key, value string }

// inspected is a container, and what its image says of itself where that is known:
// what comes from there nobody has given it.
type inspected struct {
	container.InspectResponse
	image     dockerspec.DockerOCIImageConfig
	data, log string // the data directory, and that of the log if it is another one
}

// givens are all that it was given, in the order of their keys.
func (d inspected) givens() []given {
	var all []given
	for _, k := range givenKeys {
		if value := k.was(d); value != "" {
			all = append(all, given{k.key, value})
		}
	}
	return append(all, d.variables()...)
}

// givenKey is a key of a service in a Compose file: what a container has of it, and what
// a service of ours has; empty for nothing. Without is, ours have nothing.
type givenKey struct {
	key string
	was func(inspected) string
	is  func(types.ServiceConfig) string
}

// givenKeys are in alphabetical order. What is in none of them is in the differences by
// another name, or has no meaning for who runs etcd: see TestNothingOfAContainerIsForgotten.
var givenKeys = []givenKey{
	{key: "annotations", was: func(d inspected) string { return pairs(d.HostConfig.Annotations) }},
	{key: "blkio_config", was: blkio},
	{key: "cap_add", was: func(d inspected) string { return capabilities(d.HostConfig.CapAdd) }, is: func(s types.ServiceConfig) string { return capabilities(s.CapAdd) }},
	{key: "cap_drop", was: func(d inspected) string { return capabilities(d.HostConfig.CapDrop) }, is: func(s types.ServiceConfig) string { return capabilities(s.CapDrop) }},
	{key: "cgroup_parent", was: func(d inspected) string { return d.HostConfig.CgroupParent }},
	{key: "command", was: command},
	{key: "cpu_period", was: func(d inspected) string { return number(d.HostConfig.CPUPeriod) }},
	{key: "cpu_quota", was: func(d inspected) string { return number(d.HostConfig.CPUQuota) }},
	{key: "cpu_rt_period", was: func(d inspected) string { return number(d.HostConfig.CPURealtimePeriod) }},
	{key: "cpu_rt_runtime", was: func(d inspected) string { return number(d.HostConfig.CPURealtimeRuntime) }},
	{key: "cpu_shares", was: func(d inspected) string { return number(d.HostConfig.CPUShares) }},
	{key: "cpus", was: func(d inspected) string {
		if d.HostConfig.NanoCPUs == 0 {
			return ""
		}
		return strconv.FormatFloat(float64(d.HostConfig.NanoCPUs)/1e9, 'f', -1, 64)
	}},
	{key: "cpuset", was: func(d inspected) string { return cmp.Or(d.HostConfig.CpusetCpus, d.HostConfig.CpusetMems) }},
	{key: "depends_on", was: func(d inspected) string { return d.Config.Labels[dependsLabel] }},
	{key: "device_cgroup_rules", was: func(d inspected) string { return list(d.HostConfig.DeviceCgroupRules) }},
	{key: "devices", was: devices},
	{key: "dns", was: func(d inspected) string {
		var all []string
		for _, a := range d.HostConfig.DNS {
			all = append(all, a.String())
		}
		return list(all)
	}, is: func(s types.ServiceConfig) string { return list(s.DNS) }},
	{key: "dns_opt", was: func(d inspected) string { return list(d.HostConfig.DNSOptions) }, is: func(s types.ServiceConfig) string { return list(s.DNSOpts) }},
	{key: "dns_search", was: func(d inspected) string { return list(d.HostConfig.DNSSearch) }, is: func(s types.ServiceConfig) string { return list(s.DNSSearch) }},
	{key: "domainname", was: func(d inspected) string { return d.Config.Domainname }},
	{key: "extra_hosts", was: func(d inspected) string { return list(d.HostConfig.ExtraHosts) }, is: func(s types.ServiceConfig) string { return list(s.ExtraHosts.AsList(":")) }},
	{key: "group_add", was: func(d inspected) string { return list(d.HostConfig.GroupAdd) }},
	{key: "healthcheck", was: healthcheck, is: func(s types.ServiceConfig) string { return strings.Join(s.HealthCheck.Test, " ") }},
	{key: "hostname", was: hostname, is: func(s types.ServiceConfig) string { return s.Hostname }},
	{key: "init", was: func(d inspected) string { return flag(d.HostConfig.Init != nil && *d.HostConfig.Init) }},
	{key: "ipc", was: func(d inspected) string {
		if m := d.HostConfig.IpcMode; m.IsPrivate() || m.IsShareable() {
			return ""
		}
		return string(d.HostConfig.IpcMode)
	}},
	{key: "labels", was: labels},
	{key: "links", was: func(d inspected) string { return list(d.HostConfig.Links) }},
	{key: "logging", was: func(d inspected) string { return logs(d.HostConfig.LogConfig.Type, d.HostConfig.LogConfig.Config) }, is: func(s types.ServiceConfig) string { return logs(s.Logging.Driver, s.Logging.Options) }},
	{key: "mem_limit", was: func(d inspected) string { return number(d.HostConfig.Memory) }},
	{key: "mem_reservation", was: func(d inspected) string { return number(d.HostConfig.MemoryReservation) }},
	{key: "mem_swappiness", was: func(d inspected) string { return pointed(d.HostConfig.MemorySwappiness, -1) }},
	{key: "memswap_limit", was: func(d inspected) string {
		if d.HostConfig.MemorySwap == 2*d.HostConfig.Memory { // as the engine chooses it
			return ""
		}
		return number(d.HostConfig.MemorySwap)
	}},
	{key: "networks", was: networks},
	{key: "networks.aliases", was: aliases},
	{key: "networks.ipv4_address", was: fixedAddresses},
	{key: "oom_kill_disable", was: func(d inspected) string {
		return flag(d.HostConfig.OomKillDisable != nil && *d.HostConfig.OomKillDisable)
	}},
	{key: "oom_score_adj", was: func(d inspected) string { return number(int64(d.HostConfig.OomScoreAdj)) }},
	{key: "pid", was: func(d inspected) string { return namespace(string(d.HostConfig.PidMode)) }},
	{key: "pids_limit", was: pidsLimit},
	{key: "privileged", was: func(d inspected) string { return flag(d.HostConfig.Privileged) }},
	{key: "read_only", was: func(d inspected) string { return flag(d.HostConfig.ReadonlyRootfs) }, is: func(s types.ServiceConfig) string { return flag(s.ReadOnly) }},
	{key: "restart", was: restart, is: func(s types.ServiceConfig) string { return s.Restart }},
	{key: "runtime", was: func(d inspected) string {
		if slices.Contains(usualRuntimes, d.HostConfig.Runtime) {
			return ""
		}
		return d.HostConfig.Runtime
	}},
	{key: "security_opt", was: func(d inspected) string { return list(d.HostConfig.SecurityOpt) }, is: func(s types.ServiceConfig) string { return list(s.SecurityOpt) }},
	{key: "shm_size", was: func(d inspected) string {
		if slices.Contains(usualShm, d.HostConfig.ShmSize) {
			return ""
		}
		return number(d.HostConfig.ShmSize)
	}},
	{key: "stdin_open", was: func(d inspected) string { return flag(d.Config.OpenStdin) }},
	{key: "stop_grace_period", was: func(d inspected) string {
		if d.Config.StopTimeout == nil {
			return ""
		}
		return (time.Duration(*d.Config.StopTimeout) * time.Second).String()
	}, is: func(s types.ServiceConfig) string { return time.Duration(*s.StopGracePeriod).String() }},
	{key: "stop_signal", was: stopSignal},
	{key: "storage_opt", was: func(d inspected) string { return pairs(d.HostConfig.StorageOpt) }},
	{key: "sysctls", was: func(d inspected) string { return pairs(d.HostConfig.Sysctls) }},
	{key: "tmpfs", was: func(d inspected) string { return list(slices.Collect(maps.Keys(d.HostConfig.Tmpfs))) }},
	{key: "tty", was: func(d inspected) string { return flag(d.Config.Tty) }},
	{key: "ulimits", was: ulimits},
	{key: "user", was: func(d inspected) string { return unless(d.Config.User, d.image.User) }, is: func(s types.ServiceConfig) string { return s.User }},
	{key: "userns_mode", was: func(d inspected) string { return namespace(string(d.HostConfig.UsernsMode)) }},
	{key: "uts", was: func(d inspected) string { return namespace(string(d.HostConfig.UTSMode)) }},
	{key: "volumes", was: volumes},
	{key: "working_dir", was: func(d inspected) string { return unless(d.Config.WorkingDir, cmp.Or(d.image.WorkingDir, "/")) }},
}

// usualRuntimes are those that engines have where nobody names one, and usualShm is how
// much shared memory they give.
var usualRuntimes = []string{"", "runc", "crun", "oci", "io.containerd.runc.v2"}

var usualShm = []int64{64 << 20, podmansShm}

// dependsLabel is where Docker Compose notes what a service depends on.
const dependsLabel = "com.docker.compose.depends_on"

// composeLabels begin those that Docker Compose puts on what it makes.
const composeLabels = "com.docker.compose."

// get tells what a service of ours has of it. On another network, its key says, are
// names and addresses of the members' own.
func (g given) get(c *cluster.Cluster, m cluster.Member, s types.ServiceConfig) string {
	if name, ok := strings.CutPrefix(g.key, environmentKey); ok {
		return variable(name, m.Environment[name])
	}
	if g.key == "networks" {
		var names []string
		for key := range s.Networks {
			names = append(names, c.Name+"_"+key)
		}
		return list(names)
	}
	i := slices.IndexFunc(givenKeys, func(k givenKey) bool { return k.key == g.key })
	if is := givenKeys[i].is; is != nil {
		return is(s)
	}
	return ""
}

// gets is what a member was given and what the service of its successor has of that.
func (m Member) gets(c *cluster.Cluster, w cluster.Member) []runtime.Difference {
	if len(m.given) == 0 || c.Runtime.RunsPrograms() {
		return nil
	}
	service := compose.Project(c, compose.Options{}).Services[w.Name]
	var all []runtime.Difference
	for _, g := range m.given {
		all = append(all, runtime.Difference{Name: g.key, Was: g.value, Is: g.get(c, w, service)})
	}
	return all
}

// environmentKey begins the key of a variable.
const environmentKey = "environment."

// variables are those that etcd has no setting for, with their values only where ours
// go by them: any other may be a secret.
func (d inspected) variables() []given {
	var all []given
	for _, v := range slices.Sorted(slices.Values(d.Config.Env)) {
		name, value, set := strings.Cut(v, "=")
		if !set || slices.Contains(d.image.Env, v) || strings.HasPrefix(name, "ETCD_") || d.podmans(name, value) {
			continue
		}
		all = append(all, given{environmentKey + name, variable(name, value)})
	}
	return all
}

// variable is what is told of a variable's value.
func variable(name, value string) string {
	if value == "" || slices.Contains(goVariables, name) {
		return value
	}
	return hidden
}

// hidden is told instead of a value that may be a secret.
const hidden = "given"

// goVariables are what every program in Go goes by, as etcd does.
var goVariables = []string{"GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "TZ"}
