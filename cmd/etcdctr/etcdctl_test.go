package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestTheLeadingFlagsThatDescribeAClusterAreOurs(t *testing.T) {
	tests := map[string]struct{ own, rest string }{
		"member list":                               {"", "member list"},
		"--name orders member list":                 {"--name orders", "member list"},
		"--name=orders -f x.yaml get --name y":      {"--name=orders -f x.yaml", "get --name y"},
		"--endpoints x --name orders get a":         {"", "--endpoints x --name orders get a"},
		"--name orders -- --help":                   {"--name orders", "--help"},
		"--name orders -w table endpoint status":    {"--name orders", "-w table endpoint status"},
		"--certs-dir certs":                         {"--certs-dir certs", ""},
		"--name orders --help":                      {"--name orders", "--help"},
		"-w json --name orders put key --name=what": {"", "-w json --name orders put key --name=what"},
	}
	cmd := &cobra.Command{}
	addClusterFlags(cmd)
	for line, want := range tests {
		own, rest := splitArgs(cmd.Flags(), strings.Fields(line))
		if got := strings.Join(own, " "); got != want.own {
			t.Errorf("%s: our flags are %q, want %q", line, got, want.own)
		}
		if got := strings.Join(rest, " "); got != want.rest {
			t.Errorf("%s: the rest is %q, want %q", line, got, want.rest)
		}
	}
}

func TestEtcdctlIsToldNothingTwice(t *testing.T) {
	vars := []cluster.Variable{{Name: "ETCDCTL_ENDPOINTS", Value: "https://127.0.0.1:1"}, {Name: "ETCDCTL_CERT", Value: "tls.crt"}}
	tests := map[string]struct {
		caller, args, want []string
	}{
		"what the stack needs is added": {
			caller: []string{"HOME=/root", "ETCDCTL_USER=root"},
			want:   []string{"HOME=/root", "ETCDCTL_USER=root", "ETCDCTL_ENDPOINTS=https://127.0.0.1:1", "ETCDCTL_CERT=tls.crt"},
		},
		"another cluster's variables and proxies are not passed on": {
			caller: []string{"ETCDCTL_ENDPOINTS=x", "ETCDCTL_KEY=y", "https_proxy=z", "NO_PROXY=*"},
			want:   []string{"ETCDCTL_ENDPOINTS=https://127.0.0.1:1", "ETCDCTL_CERT=tls.crt"},
		},
		"a flag wins": {
			args: []string{"--endpoints", "https://etcd2:2379", "--cert=mine.crt", "get", "a"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := etcdctlEnvironment(tt.caller, vars, tt.args)
			if diff := cmp.Diff(append([]string{}, tt.want...), append([]string{}, got...)); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersAmongTheEndpointsAreTranslated(t *testing.T) {
	var members []runtime.Server
	for _, name := range []string{"etcd1", "etcd2"} {
		url := cluster.Setting{Name: "advertise-client-urls", Value: "https://" + name + ":2379"}
		members = append(members, runtime.Server{Name: name, Settings: cluster.Settings{url}})
	}
	open, err := listenForMembers(t.Context(), loopback, len(members))
	defer open.close()
	if err != nil {
		t.Fatal(err)
	}
	first, second := open[0].Addr().String(), open[1].Addr().String()
	got := translateEndpoints([]string{"--endpoints", "https://etcd2:2379,https://elsewhere:2379", "--endpoints=etcd1:2379", "put", "etcd1:2379", "x"}, members, open)
	want := []string{"--endpoints", "https://" + second + ",https://elsewhere:2379", "--endpoints=" + first, "put", "etcd1:2379", "x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}
