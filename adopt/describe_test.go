package adopt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// of is a member in a container, with settings, that runs or not.
func of(name string, status runtime.Status, settings ...cluster.Setting) Member {
	m := Member{
		Server: runtime.Server{Name: name, Role: runtime.Member, Status: status, Release: "v3.6.16", Settings: settings},
		Hosts:  []string{"shop-" + name + "-1"},
	}
	m.describe("shop-" + name + "-1")
	return m
}

// open are the settings of a member that others reach at a host.
func open(host string, more ...cluster.Setting) []cluster.Setting {
	return append([]cluster.Setting{
		{Name: "listen-client-urls", Value: "http://0.0.0.0:2379"},
		{Name: "listen-peer-urls", Value: "http://0.0.0.0:2380"},
		{Name: "advertise-client-urls", Value: "http://" + host + ":2379"},
		{Name: "initial-advertise-peer-urls", Value: "http://" + host + ":2380"},
	}, more...)
}

func shop(members ...Member) *Stack {
	return &Stack{Name: "shop", Runtime: cluster.Docker, Members: members}
}

func TestDescriptionsAndWays(t *testing.T) {
	for _, c := range []struct {
		name  string
		stack *Stack
		said  cluster.Spec
		text  string
		way   Way
		why   string
	}{
		{
			name:  "names that stay are kept",
			stack: shop(of("etcd1", runtime.Running, open("etcd1")...), of("etcd2", runtime.Running, open("etcd2")...), of("etcd3", runtime.Running, open("etcd3")...)),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members: 3
tls: none
adopts: shop
auto-compaction-mode: off
`,
			way: InPlace,
		},
		{
			name: "a time as a number of revisions drops nothing",
			stack: shop(of("etcd1", runtime.Running, open("etcd1", cluster.Setting{Name: "auto-compaction-mode", Value: "revision"},
				cluster.Setting{Name: "auto-compaction-retention", Value: "1h"})...)),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members: 1
tls: none
adopts: shop
auto-compaction-mode: off
`,
			way: InPlace,
		},
		{
			name: "other names leave, and settings stay",
			stack: shop(
				of("infra0", runtime.Running, open("n0", cluster.Setting{Name: "heartbeat-interval", Value: "200"},
					cluster.Setting{Name: "auto-compaction-retention", Value: "5"}, cluster.Setting{Name: "max-request-bytes", Value: "3145728"})...),
				of("infra1", runtime.Running, open("n1")...),
			),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members: 2
tls: none
adopts: shop
heartbeat-interval: 200ms
auto-compaction-retention: 5h0m0s
settings:
    max-request-bytes: "3145728"
`,
			way: Join,
		},
		{
			name:  "a host of the name of a successor has that take another one",
			stack: shop(of("a", runtime.Running, open("etcd1")...), of("b", runtime.Running, open("etcd2")...)),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members:
    - name: member1
    - name: member2
tls: none
adopts: shop
auto-compaction-mode: off
`,
			way: Join,
		},
		{
			name:  "what is stopped is copied",
			stack: shop(of("infra0", runtime.Stopped, open("n0")...), of("infra1", runtime.Stopped, open("n1")...)),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members: 2
tls: none
adopts: shop
auto-compaction-mode: off
`,
			way: Copy, why: "no member runs",
		},
		{
			name:  "one member that nobody reaches goes on",
			stack: shop(of("default", runtime.Running)),
			text: `name: shop-etcd
etcd: v3.6.16
runtime: docker
members:
    - name: default
tls: none
adopts: shop
auto-compaction-mode: off
`,
			way: InPlace,
		},
		{
			name:  "tls interrupts",
			stack: shop(of("etcd1", runtime.Running, open("etcd1")...)),
			said:  cluster.Spec{TLS: "mutual", Name: "orders"},
			text: `name: orders
etcd: v3.6.16
runtime: docker
members: 1
tls: mutual
adopts: shop
auto-compaction-mode: off
`,
			way: Copy, why: "the members talk plain text, and tls: mutual is wanted",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Describe(c.stack, c.said)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.text, d.Spec.Text()); diff != "" {
				t.Errorf("the file (-want +got):\n%s", diff)
			}
			want, err := cluster.Resolve(d.Spec, cluster.InContainers)
			if err != nil {
				t.Fatal(err)
			}
			want.Runtime = cluster.Docker
			if way, why := Choose(c.stack, want); way != c.way || why != c.why {
				t.Errorf("the way is %q, as %q; want %q, as %q", way, why, c.way, c.why)
			}
		})
	}
}

func TestWhatNoDescriptionHasIsTold(t *testing.T) {
	d, err := Describe(shop(of("etcd1", runtime.Running, open("etcd1", cluster.Setting{Name: "enable-v2", Value: "true"})...)), cluster.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Dropped) != 1 || d.Dropped[0].Name != "enable-v2" {
		t.Errorf("dropped is %v", d.Dropped)
	}
}

func TestAReleaseThatNobodyTellsIsAskedFor(t *testing.T) {
	m := of("etcd1", runtime.Running, open("etcd1")...)
	m.Release = ""
	if _, err := Describe(shop(m), cluster.Spec{}); err == nil {
		t.Error("a description has no release")
	}
}

func TestDifferencesLeaveOutWhatMeansTheSame(t *testing.T) {
	s := shop(of("etcd1", runtime.Running, open("etcd1", cluster.Setting{Name: "heartbeat-interval", Value: "100"},
		cluster.Setting{Name: "auto-compaction-retention", Value: "1"}, cluster.Setting{Name: "quota-backend-bytes", Value: "0"})...))
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
			got = append(got, change.Server+" "+x.String())
		}
	}
	expected := []string{
		" image: example.com/etcd:v3.6.16",
		" listen-metrics-urls: http://127.0.0.1:2381",
		"etcd1 data: etcd1-data",
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

// toldOf is what a description tells of a setting that it does not take over.
func toldOf(d Description, setting string) string {
	for _, dropped := range d.Dropped {
		if dropped.Name == setting {
			return dropped.Is
		}
	}
	return ""
}

// Programs of the machine find members where they were, unless those are there until the
// last of the new ones has joined; and what is told of other ports is true of what is written.
func TestPublishedPortsAreKept(t *testing.T) {
	at := func(port string, m Member) Member {
		m.ClientPort, m.Published = port, []string{"0.0.0.0:" + port, "0.0.0.0:40000"}
		return m
	}
	mine := func(port string, m Member) Member {
		m.ClientPort, m.Published = port, []string{"127.0.0.1:" + port}
		return m
	}
	stay := shop(at("32379", of("etcd1", runtime.Running, open("etcd1")...)), at("32380", of("etcd2", runtime.Running, open("etcd2")...)))
	for _, c := range []struct {
		name    string
		stack   *Stack
		said    cluster.Spec
		publish string
		ports   []string
		told    string // of what is told; empty for nothing
	}{
		{name: "all in their place", stack: stay, publish: "loopback", ports: []string{"etcd1 32379", "etcd2 32380"}, told: "client ports are published on 127.0.0.1 only, at the same ports"},
		{name: "said otherwise", stack: stay, said: cluster.Spec{Publish: "none"}, publish: "none", told: "publish: none"},
		{
			name: "some are not published", stack: shop(stay.Members[0], of("etcd2", runtime.Running, open("etcd2")...)),
			publish: "loopback", ports: []string{"etcd1 32379", "etcd2 auto"}, told: "at the same ports",
		},
		{
			name: "one of another name", stack: shop(at("32379", of("default", runtime.Running, open("n0")...))),
			publish: "loopback", ports: []string{"default 32379"}, told: "at the same ports",
		},
		{
			name: "copied", stack: shop(at("32379", of("infra0", runtime.Stopped, open("n0")...)), at("32380", of("infra1", runtime.Stopped, open("n1")...))),
			publish: "loopback", ports: []string{"etcd1 32379", "etcd2 32380"}, told: "at the same ports",
		},
		{
			name: "new ones join beside them", stack: shop(at("32379", of("infra0", runtime.Running, open("n0")...)), at("32380", of("infra1", runtime.Running, open("n1")...))),
			told: "nothing is published, for this machine neither: the old members have their ports until they are gone. " +
				"Write publish: loopback and members: [{name: etcd1, client-port: 32379}, {name: etcd2, client-port: 32380}] into",
		},
		{
			name:  "new ones join beside those on loopback",
			stack: shop(mine("32379", of("infra0", runtime.Running, open("n0")...)), mine("32380", of("infra1", runtime.Running, open("n1")...))),
			told:  "nothing is published, for this machine neither",
		},
		{name: "on loopback", stack: shop(mine("32379", of("etcd1", runtime.Running, open("etcd1")...))), publish: "loopback", ports: []string{"etcd1 32379"}},
		{
			name: "two of one port", stack: shop(at("32379", of("etcd1", runtime.Running, open("etcd1")...)), at("32379", of("etcd2", runtime.Running, open("etcd2")...))),
			told: "nothing is published",
		},
		{
			name: "as processes", stack: shop(at("32379", of("etcd1", runtime.Running, open("etcd1")...))), said: cluster.Spec{Runtime: "process"},
			ports: []string{"etcd1 32379"}, told: "at the same ports",
		},
		{
			name: "as processes whose other ports are in the way", stack: stay, said: cluster.Spec{Runtime: "process"},
			told: "members listen on 127.0.0.1 only, at ports of their own",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Describe(c.stack, c.said)
			if err != nil {
				t.Fatal(err)
			}
			var ports []string
			for _, m := range d.Spec.Members.List {
				if m.ClientPort != "" {
					ports = append(ports, m.Name+" "+m.ClientPort)
				}
			}
			if diff := cmp.Diff(c.ports, ports); diff != "" || d.Spec.Publish != c.publish {
				t.Errorf("publish is %q, want %q, with ports (-want +got):\n%s", d.Spec.Publish, c.publish, diff)
			}
			told := toldOf(d, runtime.Published)
			if !strings.Contains(told, c.told) || c.told == "" && told != "" {
				t.Errorf("what is told of the ports is %q, want %q", told, c.told)
			}
		})
	}
}
