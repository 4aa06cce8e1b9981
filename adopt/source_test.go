package adopt

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestSourcesAreNamesFoldersAndWhatFilesDescribe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	compose := write("shop/compose.yaml", "services: {kv: {image: \"quay.io/coreos/etcd:v3.6.16\"}}\n")
	unit := write("etcd.service", "[Service]\nExecStart=/usr/bin/etcd --data-dir /var/lib/etcd\n")
	procfile := write("Procfile", "a: etcd --name a --data-dir a.etcd\nb: etcd --name b --data-dir /srv/b\n")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string][]string{
		"shop-etcd-1":              {"shop-etcd-1"},
		compose:                    {"shop"},
		filepath.Dir(compose):      {"shop"},
		unit:                       {"/var/lib/etcd"},
		procfile:                   {filepath.Join(dir, "a.etcd"), "/srv/b"},
		filepath.Join(dir, "data"): {filepath.Join(dir, "data")},
	} {
		got, err := Source(arg)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", arg, err, diff)
		}
	}
	if _, err := Source(write("web.yaml", "services: {web: {image: nginx}}\n")); err == nil {
		t.Error("a file without a member is a source")
	}
}

func TestTheLineGoesOnceAllIsAdopted(t *testing.T) {
	d := Description{Spec: cluster.Spec{Name: "shop", Adopts: "theirs", TLS: "none"}}
	left, struck := Strike([]byte(d.Text()))
	if string(left) != "name: shop\ntls: none\n" || !struck {
		t.Errorf("%q, %v", left, struck)
	}
	if again, struck := Strike(left); string(again) != string(left) || struck {
		t.Errorf("%q, %v", again, struck)
	}
}

func TestMembersElsewhereAreToldOf(t *testing.T) {
	m := of("etcd1", "running", open("etcd1", cluster.Setting{Name: "initial-cluster", Value: "etcd1=http://etcd1:2380,etcd2=http://10.0.0.2:2380"})...)
	if diff := cmp.Diff([]string{"etcd2 at http://10.0.0.2:2380"}, shop(m).toldOf()); diff != "" {
		t.Error(diff)
	}
}
