package adopt

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/blkiodev"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"github.com/etcdctr/etcdctr/cluster"
)

// plain is a container that was given nothing, as an engine describes it.
func plain() *container.InspectResponse {
	return &container.InspectResponse{
		ID: "0123456789ab", Name: "/shop-kv-1",
		Config: &container.Config{
			Hostname: "0123456789ab", Cmd: []string{"etcd"}, Env: []string{"PATH=/bin", "ETCD_NAME=etcd1"}, User: "1001", WorkingDir: "/",
			Labels: map[string]string{"com.docker.compose.service": "kv", "maintainer": "them"}, StopSignal: "SIGTERM",
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "shop_default", IpcMode: "private", LogConfig: container.LogConfig{Type: "json-file"}, ShmSize: 64 << 20, Runtime: "runc",
			RestartPolicy: container.RestartPolicy{Name: "no"},
		},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{}},
		Mounts:          []container.MountPoint{{Type: mount.TypeVolume, Name: "data", Destination: "/data"}},
	}
}

// inspect is such a container with what its image says.
func inspect(in *container.InspectResponse) inspected {
	image := dockerspec.DockerOCIImageConfig{}
	image.Env, image.User, image.Labels, image.StopSignal = []string{"PATH=/bin"}, "1001", map[string]string{"maintainer": "them"}, "SIGTERM"
	return inspected{InspectResponse: *in, image: image, data: "/data/etcd"}
}

func to[T any](v T) *T { return &v }

// givenBy are what a container may be given, by the key of a Compose file.
var givenBy = []struct {
	key  string
	give func(*container.InspectResponse)
	was  string
	is   string // of a member of ours
}{
	{key: "annotations", give: func(c *container.InspectResponse) { c.HostConfig.Annotations = map[string]string{"a": "b"} }, was: "a=b"},
	{key: "blkio_config", give: func(c *container.InspectResponse) {
		r := &c.HostConfig.Resources
		r.BlkioWeight, r.BlkioWeightDevice = 300, []*blkiodev.WeightDevice{{Path: "/dev/sda", Weight: 400}}
		r.BlkioDeviceReadBps, r.BlkioDeviceWriteBps = []*blkiodev.ThrottleDevice{{}}, []*blkiodev.ThrottleDevice{{}}
		r.BlkioDeviceReadIOps, r.BlkioDeviceWriteIOps = []*blkiodev.ThrottleDevice{{}}, []*blkiodev.ThrottleDevice{{}}
	}, was: "weight=300"},
	{key: "cap_add", give: func(c *container.InspectResponse) { c.HostConfig.CapAdd = []string{"CAP_SYS_NICE"} }, was: "SYS_NICE"},
	{key: "cap_drop", give: func(c *container.InspectResponse) { c.HostConfig.CapDrop = []string{"NET_RAW"} }, was: "NET_RAW", is: "ALL"},
	{key: "cgroup_parent", give: func(c *container.InspectResponse) { c.HostConfig.CgroupParent = "etcd.slice" }, was: "etcd.slice"},
	{key: "command", give: func(c *container.InspectResponse) {
		c.Config.Entrypoint, c.Config.Cmd = []string{"/entry.sh"}, []string{"etcd", "--debug"}
	}, was: "/entry.sh"},
	{key: "cpu_period", give: func(c *container.InspectResponse) { c.HostConfig.CPUPeriod = 1000 }, was: "1000"},
	{key: "cpu_quota", give: func(c *container.InspectResponse) { c.HostConfig.CPUQuota = 500 }, was: "500"},
	{key: "cpu_rt_period", give: func(c *container.InspectResponse) { c.HostConfig.CPURealtimePeriod = 1400 }, was: "1400"},
	{key: "cpu_rt_runtime", give: func(c *container.InspectResponse) { c.HostConfig.CPURealtimeRuntime = 400 }, was: "400"},
	{key: "cpu_shares", give: func(c *container.InspectResponse) { c.HostConfig.CPUShares = 512 }, was: "512"},
	{key: "cpus", give: func(c *container.InspectResponse) { c.HostConfig.NanoCPUs = 1_500_000_000 }, was: "1.5"},
	{key: "cpuset", give: func(c *container.InspectResponse) {
		c.HostConfig.CpusetCpus, c.HostConfig.CpusetMems = "0,1", "0"
	}, was: "0,1"},
	{key: "depends_on", give: func(c *container.InspectResponse) { c.Config.Labels[dependsLabel] = "disk:service_started:false" }, was: "disk:service_started:false"},
	{key: "device_cgroup_rules", give: func(c *container.InspectResponse) { c.HostConfig.DeviceCgroupRules = []string{"c 1:3 mr"} }, was: "c 1:3 mr"},
	{key: "devices", give: func(c *container.InspectResponse) {
		c.HostConfig.Devices = []container.DeviceMapping{{PathOnHost: "/dev/sdb", PathInContainer: "/dev/sdc"}}
		c.HostConfig.DeviceRequests = []container.DeviceRequest{{Capabilities: [][]string{{"gpu"}}}}
	}, was: "/dev/sdb:/dev/sdc,gpu"},
	{key: "dns", give: func(c *container.InspectResponse) { c.HostConfig.DNS = []netip.Addr{netip.MustParseAddr("10.0.0.2")} }, was: "10.0.0.2", is: "127.0.0.1"},
	{key: "dns_opt", give: func(c *container.InspectResponse) { c.HostConfig.DNSOptions = []string{"timeout:1"} }, was: "timeout:1", is: "ndots:1"},
	{key: "dns_search", give: func(c *container.InspectResponse) { c.HostConfig.DNSSearch = []string{"example.com"} }, was: "example.com", is: "."},
	{key: "domainname", give: func(c *container.InspectResponse) { c.Config.Domainname = "example.com" }, was: "example.com"},
	{key: "environment.GOGC", give: func(c *container.InspectResponse) { c.Config.Env = append(c.Config.Env, "GOGC=50") }, was: "50"},
	{key: "environment.SECRET", give: func(c *container.InspectResponse) { c.Config.Env = append(c.Config.Env, "SECRET=hunter2") }, was: "given"},
	{key: "extra_hosts", give: func(c *container.InspectResponse) { c.HostConfig.ExtraHosts = []string{"ldap:10.0.0.3"} }, was: "ldap:10.0.0.3"},
	{key: "group_add", give: func(c *container.InspectResponse) { c.HostConfig.GroupAdd = []string{"disk"} }, was: "disk"},
	{key: "healthcheck", give: func(c *container.InspectResponse) {
		c.Config.Healthcheck = &container.HealthConfig{Test: []string{"CMD-SHELL", "curl localhost:2379/health"}}
	}, was: "CMD-SHELL curl localhost:2379/health", is: "CMD /usr/local/bin/etcdctl endpoint health"},
	{key: "hostname", give: func(c *container.InspectResponse) { c.Config.Hostname = "kv" }, was: "kv", is: "etcd1"},
	{key: "init", give: func(c *container.InspectResponse) { c.HostConfig.Init = to(true) }, was: "true"},
	{key: "ipc", give: func(c *container.InspectResponse) { c.HostConfig.IpcMode = "host" }, was: "host"},
	{key: "labels", give: func(c *container.InspectResponse) { c.Config.Labels["traefik.enable"] = "true" }, was: "traefik.enable=true"},
	{key: "links", give: func(c *container.InspectResponse) { c.HostConfig.Links = []string{"/web:/shop-kv-1/web"} }, was: "/web:/shop-kv-1/web"},
	{key: "logging", give: func(c *container.InspectResponse) {
		c.HostConfig.LogConfig = container.LogConfig{Type: "syslog", Config: map[string]string{"tag": "kv"}}
	}, was: "syslog,tag=kv", is: "json-file,max-file=3,max-size=10m"},
	{key: "mem_limit", give: func(c *container.InspectResponse) { c.HostConfig.Memory = 1 << 30 }, was: "1073741824"},
	{key: "mem_reservation", give: func(c *container.InspectResponse) { c.HostConfig.MemoryReservation = 1 << 20 }, was: "1048576"},
	{key: "mem_swappiness", give: func(c *container.InspectResponse) { c.HostConfig.MemorySwappiness = to(int64(10)) }, was: "10"},
	{key: "memswap_limit", give: func(c *container.InspectResponse) { c.HostConfig.MemorySwap = 3 << 30 }, was: "3221225472"},
	{key: "networks", give: func(c *container.InspectResponse) {
		c.NetworkSettings.Networks["shop_back"] = &network.EndpointSettings{Aliases: []string{"kv", "shop-kv-1", "0123456789ab"}}
		c.NetworkSettings.Networks["shop-etcd_cluster"] = &network.EndpointSettings{Aliases: []string{metAlias}}
	}, was: "shop_back", is: "shop-etcd_cluster"},
	{key: "networks.aliases", give: func(c *container.InspectResponse) {
		c.NetworkSettings.Networks["shop_back"] = &network.EndpointSettings{Aliases: []string{"store", "kv"}}
	}, was: "store"},
	{key: "networks.ipv4_address", give: func(c *container.InspectResponse) {
		c.NetworkSettings.Networks["shop_back"] = &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: netip.MustParseAddr("10.9.0.5")}}
	}, was: "10.9.0.5"},
	{key: "oom_kill_disable", give: func(c *container.InspectResponse) { c.HostConfig.OomKillDisable = to(true) }, was: "true"},
	{key: "oom_score_adj", give: func(c *container.InspectResponse) { c.HostConfig.OomScoreAdj = -500 }, was: "-500"},
	{key: "pid", give: func(c *container.InspectResponse) { c.HostConfig.PidMode = "host" }, was: "host"},
	{key: "pids_limit", give: func(c *container.InspectResponse) { c.HostConfig.PidsLimit = to(int64(100)) }, was: "100"},
	{key: "privileged", give: func(c *container.InspectResponse) { c.HostConfig.Privileged = true }, was: "true"},
	{key: "read_only", give: func(c *container.InspectResponse) { c.HostConfig.ReadonlyRootfs = true }, was: "true", is: "true"},
	{key: "restart", give: func(c *container.InspectResponse) {
		c.HostConfig.RestartPolicy = container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 5}
	}, was: "on-failure:5", is: "unless-stopped"},
	{key: "runtime", give: func(c *container.InspectResponse) { c.HostConfig.Runtime = "runsc" }, was: "runsc"},
	{key: "security_opt", give: func(c *container.InspectResponse) { c.HostConfig.SecurityOpt = []string{"apparmor=etcd"} }, was: "apparmor=etcd", is: "no-new-privileges:true"},
	{key: "shm_size", give: func(c *container.InspectResponse) { c.HostConfig.ShmSize = 1 << 20 }, was: "1048576"},
	{key: "stdin_open", give: func(c *container.InspectResponse) { c.Config.OpenStdin = true }, was: "true"},
	{key: "stop_grace_period", give: func(c *container.InspectResponse) { c.Config.StopTimeout = to(90) }, was: "1m30s", is: "20s"},
	{key: "stop_signal", give: func(c *container.InspectResponse) { c.Config.StopSignal = "SIGINT" }, was: "SIGINT"},
	{key: "storage_opt", give: func(c *container.InspectResponse) { c.HostConfig.StorageOpt = map[string]string{"size": "9G"} }, was: "size=9G"},
	{key: "sysctls", give: func(c *container.InspectResponse) {
		c.HostConfig.Sysctls = map[string]string{"net.core.somaxconn": "9"}
	}, was: "net.core.somaxconn=9"},
	{key: "tmpfs", give: func(c *container.InspectResponse) { c.HostConfig.Tmpfs = map[string]string{"/tmp": ""} }, was: "/tmp"},
	{key: "tty", give: func(c *container.InspectResponse) { c.Config.Tty = true }, was: "true"},
	{key: "ulimits", give: func(c *container.InspectResponse) {
		c.HostConfig.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: 65536, Hard: 65536}}
	}, was: "nofile=65536:65536"},
	{key: "user", give: func(c *container.InspectResponse) { c.Config.User = "1000:1000" }, was: "1000:1000"},
	{key: "userns_mode", give: func(c *container.InspectResponse) { c.HostConfig.UsernsMode = "host" }, was: "host"},
	{key: "uts", give: func(c *container.InspectResponse) { c.HostConfig.UTSMode = "host" }, was: "host"},
	{key: "volumes", give: func(c *container.InspectResponse) {
		c.Mounts = append(c.Mounts, container.MountPoint{Type: mount.TypeBind, Source: "/etc/kv", Destination: "/conf"},
			container.MountPoint{Type: mount.TypeVolume, Name: "more", Destination: "/more"})
	}, was: "/etc/kv:/conf,more:/more"},
	{key: "working_dir", give: func(c *container.InspectResponse) { c.Config.WorkingDir = "/srv" }, was: "/srv"},
}

func TestWhatAContainerWasGivenIsTold(t *testing.T) {
	if got := inspect(plain()).givens(); got != nil {
		t.Fatalf("a container that was given nothing has %v", got)
	}
	want, err := cluster.Resolve(cluster.Spec{Name: "shop-etcd", Members: cluster.Count(1), TLS: "none", Runtime: "docker"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, c := range givenBy {
		t.Run(c.key, func(t *testing.T) {
			in := plain()
			c.give(in)
			m := Member{given: inspect(in).givens()}
			var was, is string
			for _, d := range m.gets(want, want.Members[0]) {
				if d.Name == c.key {
					was, is = d.Was, d.Is
				}
			}
			if was != c.was || is != c.is {
				t.Errorf("was %q, want %q; is %q, want %q", was, c.was, is, c.is)
			}
		})
		keys = append(keys, c.key)
	}
	for _, k := range givenKeys {
		if !slices.Contains(keys, k.key) {
			t.Errorf("nothing here has %s", k.key)
		}
	}
	if !slices.IsSortedFunc(givenKeys, func(a, b givenKey) int { return strings.Compare(a.key, b.key) }) {
		t.Error("the keys are not in order")
	}
}

// What Podman 4.3 writes down of a container that was given nothing.
func TestWhatPodmanGivesEachContainerIsNobodysWish(t *testing.T) {
	podmans := func() *container.InspectResponse {
		in := plain()
		in.Config.Env = append(in.Config.Env, "HOSTNAME=0123456789ab", "TERM=xterm", "container=podman")
		in.Config.StopSignal = "15"
		in.HostConfig.PidMode, in.HostConfig.UTSMode = "private", "private"
		in.HostConfig.ShmSize, in.HostConfig.PidsLimit = 65536000, to(int64(2048))
		return in
	}
	if got := inspect(podmans()).givens(); got != nil {
		t.Errorf("it has %v", got)
	}
	silent := inspect(podmans()) // its image says nothing of a signal
	silent.image.StopSignal = ""
	if got := silent.givens(); got != nil {
		t.Errorf("it has %v", got)
	}
	for _, c := range givenBy {
		in := podmans()
		c.give(in)
		if got := inspect(in).givens(); !slices.Contains(got, given{c.key, c.was}) {
			t.Errorf("of %s it has %v", c.key, got)
		}
	}
	in := plain()
	in.Config.Env, in.HostConfig.PidsLimit = append(in.Config.Env, "TERM=xterm"), to(int64(2048))
	if got := inspect(in).givens(); len(got) != 2 {
		t.Errorf("where somebody wished for it on Docker, it has %v", got)
	}
}

// What is told otherwise, or can't be told from what every container has, by the fields
// of an engine's API.
var untold = map[string]string{
	"Env": "environment", "Image": "a difference of its own", "ExposedPorts": "opens nothing", "PortBindings": "a difference of its own",
	"Volumes": "are among the mounts", "Binds": "are among the mounts", "Mounts": "are among the mounts", "VolumesFrom": "are among the mounts", "VolumeDriver": "is the volume's",
	"AttachStdin": "of who started it", "AttachStdout": "of who started it", "AttachStderr": "of who started it", "StdinOnce": "of who started it", "ConsoleSize": "of who started it", "ContainerIDFile": "of who started it",
	"OnBuild": "of the image", "Shell": "of the image", "ArgsEscaped": "of the image",
	"NetworkDisabled": "is the network mode", "NetworkMode": "networks", "PublishAllPorts": "ports that change at each start",
	"AutoRemove": "is refused", "CgroupnsMode": "the engine chooses it", "Cgroup": "unused by engines", "MaskedPaths": "the engine chooses them", "ReadonlyPaths": "the engine chooses them",
	"CPUCount": "Windows", "CPUPercent": "Windows", "IOMaximumIOps": "Windows", "IOMaximumBandwidth": "Windows", "Isolation": "Windows",
}

// An engine that comes to know more has whoever takes its API on decide what of it is told.
func TestNothingOfAContainerIsForgotten(t *testing.T) {
	in := plain()
	before := plain()
	for _, c := range givenBy {
		c.give(in)
	}
	for _, of := range [][2]any{{*in.Config, *before.Config}, {*in.HostConfig, *before.HostConfig}, {in.HostConfig.Resources, before.HostConfig.Resources}} {
		now, then := reflect.ValueOf(of[0]), reflect.ValueOf(of[1])
		for i := range now.NumField() {
			field := now.Type().Field(i)
			given := !reflect.DeepEqual(now.Field(i).Interface(), then.Field(i).Interface())
			if _, known := untold[field.Name]; !given && !known {
				t.Errorf("nothing tells of %s", field.Name)
			}
		}
	}
}

func TestADifferenceOfAllMembersIsToldOnce(t *testing.T) {
	in := plain()
	in.HostConfig.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: 9, Hard: 9}}
	one, two := of("etcd1", "running", open("etcd1")...), of("etcd2", "running", open("etcd2", cluster.Setting{Name: "snapshot-count", Value: "5"})...)
	one.given = append(inspect(in).givens(), given{"mem_limit", "7"})
	two.given = inspect(in).givens()
	s := shop(one, two)
	d, err := Describe(s, cluster.Spec{Image: "example.com/etcd:v3.6.16"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := cluster.Resolve(d.Spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, change := range Differences(s, want) {
		for _, x := range change.Differences {
			if slices.Contains([]string{"ulimits", "mem_limit", "snapshot-count"}, x.Name) {
				got = append(got, change.Server+" "+x.String())
			}
		}
	}
	expected := []string{" ulimits: no longer nofile=9:9", "etcd1 mem_limit: no longer 7", "etcd2 snapshot-count: 5 → 10000"}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

// What etcd goes by is taken over where all members have it, and no secret is shown.
func TestVariablesOfGoAreTakenOver(t *testing.T) {
	one, two := of("etcd1", "running", open("etcd1", cluster.Setting{Name: "root-password", Value: "hunter2"})...), of("etcd2", "running", open("etcd2")...)
	one.given = []given{{"environment.GOGC", "50"}, {"environment.GOMEMLIMIT", "1GiB"}, {"environment.TOKEN", hidden}}
	two.given = []given{{"environment.GOGC", "50"}, {"environment.TOKEN", hidden}}
	d, err := Describe(shop(one, two), cluster.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"GOGC": "50"}, d.Spec.Environment); diff != "" {
		t.Error(diff)
	}
	for _, dropped := range d.Dropped {
		if strings.Contains(dropped.Was+dropped.Is, "hunter2") {
			t.Errorf("a password is shown: %v", dropped)
		}
	}
}

func TestPortsThatOtherMachinesReachAreToldOf(t *testing.T) {
	m := of("etcd1", "running", open("etcd1")...)
	m.Published, m.ClientPort = []string{"0.0.0.0:2379", "127.0.0.1:2379", "[::1]:2379"}, "2379"
	d, err := Describe(shop(m), cluster.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Dropped) != 1 || d.Dropped[0].Name != "published" || d.Dropped[0].Was != "0.0.0.0:2379" {
		t.Errorf("dropped is %v", d.Dropped)
	}
}

func TestOfSeveralPortsThatOnLoopbackStays(t *testing.T) {
	in := plain()
	bind := func(ip, port string) network.PortBinding {
		b := network.PortBinding{HostPort: port}
		if ip != "" {
			b.HostIP = netip.MustParseAddr(ip)
		}
		return b
	}
	for _, c := range []struct {
		bindings []network.PortBinding
		want     string
	}{
		{[]network.PortBinding{bind("10.0.0.5", "32379"), bind("127.0.0.1", "32380")}, "32380"},
		{[]network.PortBinding{bind("0.0.0.0", "32381"), bind("", "32382")}, "32382"},
		{[]network.PortBinding{bind("127.0.0.1", ""), bind("127.0.0.1", "0")}, ""},
	} {
		in.HostConfig.PortBindings = network.PortMap{network.MustParsePort("2379/tcp"): c.bindings, network.MustParsePort("2380/tcp"): {bind("", "1")}}
		if got := publishedAt(*in, "http://etcd1:2379"); got != c.want {
			t.Errorf("%v leads to %q, want %q", c.bindings, got, c.want)
		}
	}
}
