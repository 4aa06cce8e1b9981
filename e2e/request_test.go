package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestRequestMeansWhatTheServiceMeans follows a member with mutual TLS from the
// spec to what the engine is asked for.
func TestRequestMeansWhatTheServiceMeans(t *testing.T) {
	c, name := modelOf(t, cluster.Spec{}), ""
	name = c.Name
	c.options = optionsOf(WithNetwork("mine"))
	c.files = map[string]string{"/certs/members/etcd1": name + "_etcd1-files1"}
	var req testcontainers.GenericContainerRequest
	if err := c.request(c.project.Services["etcd1"], "23790")(&req); err != nil {
		t.Fatal(err)
	}
	if req.Name != name+"-etcd1-1" || req.Env["ETCD_NAME"] != "etcd1" || req.Env["ETCD_HEARTBEAT_INTERVAL"] != "10" {
		t.Errorf("got name %s and environment %v", req.Name, req.Env)
	}
	wantNetworks := []string{name + "_cluster", name + "_loopback", "mine"}
	if diff := cmp.Diff(wantNetworks, req.Networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	if aliases := req.NetworkAliases["mine"]; len(aliases) > 0 {
		t.Errorf("on the caller's network, the member answers to %v too", aliases)
	}
	var host container.HostConfig
	req.HostConfigModifier(&host)
	want := container.HostConfig{
		ReadonlyRootfs: true, CapDrop: []string{"ALL"}, CapAdd: []string{"DAC_OVERRIDE"}, SecurityOpt: []string{"no-new-privileges:true"},
		RestartPolicy: container.RestartPolicy{Name: "no"},
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
		Mounts: []mount.Mount{
			{Type: mount.TypeVolume, Source: name + "_etcd1-data", Target: cluster.ContainerVolumeDir},
			{Type: mount.TypeVolume, Source: name + "_etcd1-files1", Target: cluster.ContainerCertsDir, ReadOnly: true},
		},
	}
	if diff := cmp.Diff(want, host, cmpopts.IgnoreFields(container.HostConfig{}, "PortBindings")); diff != "" {
		t.Errorf("host configuration (-want +got):\n%s", diff)
	}
	for port, bindings := range host.PortBindings {
		if port.String() != clientPort || len(bindings) != 1 || bindings[0].HostIP.String() != "127.0.0.1" {
			t.Errorf("%s is published on %v", port, bindings)
		}
	}
}

// modelOf is a cluster that has nothing but its description.
func modelOf(t *testing.T, spec cluster.Spec) *Cluster {
	t.Helper()
	model, err := optionsOf(WithSpec(spec)).resolve(localAddress)
	if err != nil {
		t.Fatal(err)
	}
	p, err := project(t.Context(), model, "/certs")
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{Name: model.Name, model: model, project: p, host: localAddress}
}

func TestOptionsApplyInTheirOrder(t *testing.T) {
	o := optionsOf(WithMembers(5), WithSpec(cluster.Spec{Name: "orders", TLS: "mutual"}), WithTLS(cluster.NoTLS), WithEtcd("3.6"))
	c, err := o.resolve(localAddress)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Members) != 3 || c.TLS != cluster.NoTLS || c.Etcd.Minor != 6 || !strings.HasPrefix(c.Name, "orders-") {
		t.Errorf("got %d members, TLS %s, etcd %s, name %s", len(c.Members), c.TLS, c.Etcd, c.Name)
	}
}

func TestTestsGetAFastClusterThatKeepsItsData(t *testing.T) {
	c := modelOf(t, cluster.Spec{}).model
	if c.Profile != "ci" || c.Data != cluster.Volume {
		t.Errorf("got profile %s and data in %s", c.Profile, c.Data)
	}
	if c = modelOf(t, cluster.Spec{Profile: "production", Data: "memory"}).model; c.Profile != "production" || c.Data != cluster.Memory {
		t.Errorf("the spec asked for production in memory, got %s in %s", c.Profile, c.Data)
	}
}

func TestCertificatesAreForAnEngineElsewhereToo(t *testing.T) {
	c, err := optionsOf().resolve("engine.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if hosts := c.Members[0].Hosts(); !strings.Contains(strings.Join(hosts, " "), "engine.example.com") {
		t.Errorf("got %v", hosts)
	}
	if got := (&Cluster{host: "engine.example.com"}).publishAddress().String(); got != "0.0.0.0" {
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
