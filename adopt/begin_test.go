package adopt

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestWhatIsAdoptedHasToBeSaidOnce(t *testing.T) {
	if _, err := (Beginning{}).Named(); !errors.Is(err, ErrNoSource) {
		t.Errorf("nothing is named: %v", err)
	}
	if _, err := (Beginning{Spec: cluster.Spec{Adopts: "shop"}, Sources: []string{"orders"}}).Named(); !errors.As(err, new(*etcdctr.InputError)) {
		t.Errorf("two things are named: %v", err)
	}
	for _, b := range []Beginning{{Spec: cluster.Spec{Adopts: "a,b"}, Sources: []string{"a", "b"}}, {Sources: []string{"a", "b"}}, {Spec: cluster.Spec{Adopts: "a,b"}}} {
		if spec, err := b.Named(); err != nil || spec.Adopts != "a,b" {
			t.Errorf("%+v adopts %q, %v", b, spec.Adopts, err)
		}
	}
}

func TestAFileSaysNoMoreOfWhatWasAdopted(t *testing.T) {
	const rest = "name: shop-etcd\netcd: v3.6.16\n"
	for _, c := range []struct {
		name, file string
		tls        cluster.TLSMode
		left       string
		struck     []string
	}{
		{"plain text stays", head + rest + "tls: none\nadopts: shop\n", cluster.NoTLS, rest + "tls: none\n", []string{"adopts"}},
		{"TLS was begun by a flag", head + rest + "tls: none\nadopts: shop\n", cluster.Mutual, rest, []string{"adopts", "tls"}},
		{"a file of somebody's own", "tls: none\n" + rest + "adopts: shop\n", cluster.Mutual, "tls: none\n" + rest, []string{"adopts"}},
		{"one that adopts nothing", "tls: none\n" + rest, cluster.Mutual, "tls: none\n" + rest, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "etcdctr.yaml")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			struck, err := strike(file, &cluster.Cluster{TLS: c.tls})
			left, _ := os.ReadFile(file)
			if err != nil || !slices.Equal(struck, c.struck) {
				t.Errorf("%v, %v; want %v", struck, err, c.struck)
			}
			if diff := cmp.Diff(c.left, string(left)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What adopting puts right is no finding that remains, and what it does not is.
func TestOnlyFindingsRemainThatAreTrueOfWhatTakesOver(t *testing.T) {
	const theirs = `[{"Name": "/shop-kv-1", "Config": {"Image": "quay.io/coreos/etcd:v3.6.16",
		"Cmd": ["etcd", "--name=etcd1", "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://kv:2379"]},
		"HostConfig": {"PortBindings": {"2379/tcp": [{"HostIp": "0.0.0.0", "HostPort": "2379"}]}}, "State": {"Status": "running"}}]`
	described, err := readLive("shop", []byte(theirs))
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{Name: "shop", Described: described}
	for _, c := range []struct {
		tls     string
		remains bool
	}{{"none", true}, {"mutual", false}} {
		want, err := cluster.Resolve(cluster.Spec{Name: "ours", Members: cluster.Count(1), TLS: c.tls}, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		left, err := Remaining(t.Context(), s, want)
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]bool{}
		for _, f := range left {
			rules[f.Rule] = true
		}
		if rules["client-port-open"] || rules["data-not-kept"] || rules["client-no-tls"] != c.remains {
			t.Errorf("with tls: %s %v remain of %d", c.tls, rules, len(s.Findings()))
		}
		if len(left) >= len(s.Findings()) {
			t.Error("nothing is put right")
		}
	}
}

// The last words of members that have ended are there before anything is done.
func TestLastLinesAreThoseOfMembersThatEnded(t *testing.T) {
	ended := of("etcd1", runtime.Stopped, open("etcd1")...)
	foreign := &fakeForeign{stack: shop(ended, of("etcd2", runtime.Running, open("etcd2")...))}
	said, err := (&Runtime{Foreign: foreign}).lastLines(t.Context(), foreign.stack)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"etcd1": {"permission denied"}}, said); diff != "" {
		t.Error(diff)
	}
}
