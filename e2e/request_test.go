package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// TestRequestMeansWhatTheServiceMeans follows a member with mutual TLS from the
// spec to what the engine is asked for.
func TestRequestMeansWhatTheServiceMeans(t *testing.T) {
	c := preparedCluster(t, cluster.Spec{})
	translated, err := c.wanted().Translate(c.Member("etcd1").service)
	if err != nil {
		t.Fatal(err)
	}
	var req testcontainers.GenericContainerRequest
	if err := c.request(translated)(&req); err != nil {
		t.Fatal(err)
	}
	config := container.Config{Image: "substituted", Labels: map[string]string{"whose": "testcontainers"}, Env: []string{"MINE=1"}}
	req.ConfigModifier(&config)
	if !slices.Contains(config.Env, "ETCD_NAME=etcd1") || !slices.Contains(config.Env, "ETCD_HEARTBEAT_INTERVAL=10") || !slices.Contains(config.Env, "MINE=1") {
		t.Errorf("got environment %q", config.Env)
	}
	if config.Image != "substituted" || config.Labels["whose"] != "testcontainers" || config.Healthcheck.Test[0] != "NONE" {
		t.Errorf("got %+v", config)
	}
	var host container.HostConfig
	req.HostConfigModifier(&host)
	want := container.HostConfig{
		NetworkMode:    container.NetworkMode(compose.NetworkOf(c.Name)),
		ReadonlyRootfs: true, CapDrop: []string{"ALL"}, CapAdd: []string{"DAC_OVERRIDE"}, SecurityOpt: []string{"no-new-privileges"},
		DNS: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, DNSSearch: []string{"."}, DNSOptions: []string{"ndots:1"},
		RestartPolicy: container.RestartPolicy{Name: "no"},
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
		Mounts: []mount.Mount{
			{Type: mount.TypeVolume, Source: c.Name + "_etcd1-data", Target: cluster.ContainerVolumeDir},
			{Type: mount.TypeVolume, Source: c.Name + "_etcd1-etc-etcd-certs", Target: cluster.ContainerCertsDir, ReadOnly: true},
		},
	}
	if diff := cmp.Diff(want, host, cmpopts.IgnoreFields(container.HostConfig{}, "PortBindings"), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("host configuration (-want +got):\n%s", diff)
	}
}

// TestOnlyClientPortsArePublished also looks at what is not a member: left to
// itself, testcontainers publishes whatever an image exposes.
func TestOnlyClientPortsArePublished(t *testing.T) {
	c := preparedCluster(t, cluster.Spec{Bootstrap: "discovery"})
	for _, b := range c.boxes() {
		translated, err := c.wanted().Translate(b.service)
		if err != nil {
			t.Fatal(err)
		}
		var req testcontainers.GenericContainerRequest
		if err := c.request(translated)(&req); err != nil {
			t.Fatal(err)
		}
		var config container.Config
		var host container.HostConfig
		req.ConfigModifier(&config)
		req.HostConfigModifier(&host)
		host.PortBindings = network.PortMap{network.MustParsePort("2380/tcp"): {{}}}
		for _, hook := range req.LifecycleHooks[0].PreCreates {
			if err := hook(t.Context(), req.ContainerRequest); err != nil {
				t.Fatal(err)
			}
		}
		want := network.PortMap{}
		if m := c.Member(b.service.Name); m != nil {
			want[network.MustParsePort("2379/tcp")] = []network.PortBinding{{HostIP: netip.MustParseAddr(localAddress), HostPort: m.port}}
		}
		if diff := cmp.Diff(want, host.PortBindings, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b network.Port) bool { return a == b })); diff != "" {
			t.Errorf("%s is published as (-want +got):\n%s", b.service.Name, diff)
		}
	}
}

// preparedCluster is a cluster that has nothing but its description, as on an
// engine on this machine.
func preparedCluster(t *testing.T, spec cluster.Spec) *Cluster {
	t.Helper()
	o := optionsOf(WithSpec(spec))
	model, err := o.resolve(localAddress, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Name: model.Name, options: o, model: model, host: localAddress, dir: t.TempDir()}
	if err := c.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.furnish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// A copy takes a volume and a container more for each member.
func TestAnEngineHereMountsTheFiles(t *testing.T) {
	c := preparedCluster(t, cluster.Spec{})
	m := c.Member("etcd1")
	for sees, volumes := range map[bool]int{false: 6, true: 3} {
		c.sees = sees
		translated, err := c.wanted().Translate(m.service)
		if err != nil {
			t.Fatal(err)
		}
		own, err := c.ownVolumes()
		if err != nil || len(own) != volumes {
			t.Errorf("%d volumes, %v, want %d", len(own), err, volumes)
		}
		from := c.Name + "_etcd1-etc-etcd-certs"
		if sees {
			from = filepath.Join(c.CertsDir(), "members", "etcd1")
		}
		if mounted := fmt.Sprint(translated.Host.Binds, translated.Host.Mounts); !strings.Contains(mounted, from) {
			t.Errorf("it mounts %s, and %s is not among it", mounted, from)
		}
	}
}

func TestWhoeverMountsNothingOfTheFolderIsGivenCopies(t *testing.T) {
	c := preparedCluster(t, cluster.Spec{})
	missing := fmt.Errorf("bind source path does not exist: %s", c.CertsDir())
	for _, tt := range []struct {
		sees bool
		err  error
		want bool
	}{{true, missing, true}, {false, missing, false}, {true, errors.New("no such image"), false}} {
		c.sees = tt.sees
		if got := c.unseen(t.Context(), tt.err); got != tt.want {
			t.Errorf("%v where it sees files, %t: unseen is %t, want %t", tt.err, tt.sees, got, tt.want)
		}
	}
	if (*Cluster)(nil).unseen(t.Context(), missing) {
		t.Error("there is no cluster, and it does not see its files")
	}
}

func TestOptionsApplyInTheirOrder(t *testing.T) {
	o := optionsOf(WithMembers(5), WithSpec(cluster.Spec{Name: "orders", TLS: "mutual"}), WithTLS(cluster.NoTLS), WithEtcd("3.6"))
	c, err := o.resolve(localAddress, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Members) != 3 || c.TLS != cluster.NoTLS || c.Etcd.Minor != 6 || !strings.HasPrefix(c.Name, "orders-") {
		t.Errorf("got %d members, TLS %s, etcd %s, name %s", len(c.Members), c.TLS, c.Etcd, c.Name)
	}
}

func TestTestsGetAFastClusterThatKeepsItsData(t *testing.T) {
	c := preparedCluster(t, cluster.Spec{}).model
	if c.Profile != "ci" || c.Data != cluster.Volume {
		t.Errorf("got profile %s and data in %s", c.Profile, c.Data)
	}
	if c = preparedCluster(t, cluster.Spec{Profile: "production", Data: "memory"}).model; c.Profile != "production" || c.Data != cluster.Memory {
		t.Errorf("the spec asked for production in memory, got %s in %s", c.Profile, c.Data)
	}
}

func TestCertificatesAreForAnEngineElsewhereToo(t *testing.T) {
	c, err := optionsOf().resolve("engine.example.com", cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	if hosts := c.Members[0].Hosts(); !strings.Contains(strings.Join(hosts, " "), "engine.example.com") {
		t.Errorf("got %v", hosts)
	}
	if got := (&Cluster{host: "engine.example.com"}).publishAddress(); got != "" {
		t.Errorf("published on %s, where nobody else reaches it", got)
	}
}

// TestImportersDoNotBuildTheServer keeps the fixture light for the projects
// that import it.
func TestImportersDoNotBuildTheServer(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, heavy := range []string{"go.etcd.io/etcd/server", "go.etcd.io/etcd/etcdctl", "go.etcd.io/etcd/etcdutl", "github.com/spf13/cobra"} {
		if strings.Contains(string(out), heavy) {
			t.Errorf("imports %s", heavy)
		}
	}
}
