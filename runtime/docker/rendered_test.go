package docker

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What was rendered serves again for the same content only, whoever has edited the
// cluster in between.
func TestWhatWasRenderedServesForTheSameContent(t *testing.T) {
	r := New(Options{Folder: t.TempDir(), CertsDir: "certs"})
	c, err := cluster.Resolve(cluster.Spec{Name: "orders", TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.rendered(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.rendered(t.Context(), c.AsStarted(nil))
	if err != nil || again != first {
		t.Errorf("the same cluster is rendered twice (%v)", err)
	}
	joining, err := r.rendered(t.Context(), c.Joining("etcd3", []string{"etcd1=http://etcd1:2380"}))
	if err != nil || joining == first {
		t.Errorf("a member joins by what founded the cluster (%v)", err)
	}
	if again, err = r.rendered(t.Context(), c); err != nil || again != first {
		t.Errorf("what is wanted is rendered anew after a member has joined (%v)", err)
	}
	c.Members[0].Settings[0].Value = "another"
	c.Image = "example.com/etcd:v3.7.3"
	other, err := r.rendered(t.Context(), c)
	if err != nil || other.Services["etcd1"].Image != c.Image {
		t.Errorf("an edited cluster is rendered as %s (%v)", other.Services["etcd1"].Image, err)
	}
}
