package etcdctr

import (
	"errors"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
)

// people are at the machines.
type people struct{}

func (people) KeepThere(_ *cluster.Cluster, m cluster.Member, folder string) string {
	return "keep " + m.Name + " in " + folder
}

func (people) FillThere(_ *cluster.Cluster, m cluster.Member, folder string) string {
	return "fill " + m.Name + " of " + folder
}

func handed(t *testing.T, more string) *cluster.Cluster {
	t.Helper()
	spec, err := cluster.Load("etcdctr.yaml", []byte("name: orders\nmembers:\n  etcd1: 192.0.2.1\n  etcd2: 192.0.2.2\n  etcd3: 192.0.2.3\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is kept comes before what is made of it, and that before any member is touched.
func TestWhatPeopleDoIsSaidInItsOrder(t *testing.T) {
	b := byHand{people{}, handed(t, ""), "orders-t0", 7}
	said := func(err error) string {
		hand := (*ByHandError)(nil)
		if !errors.As(err, &hand) {
			t.Fatal(err)
		}
		return strings.Join(hand.Steps, "\n")
	}
	wantInOrder(t, said(b.recover(true)), "`etcdctr backup --output orders-live.tar.zst`",
		"keep etcd1 in etcd1-held; then take orders-etcd1/etcd1-held here, and: `etcdctr backup --data-dir etcd1-held --output etcd1-held.tar.zst`",
		"keep etcd3", "tar --zstd -xOf THE-ONE-OF-THE-HIGHEST-REVISION.tar.zst snapshot.db > snapshot.db",
		"`etcdctr etcdutl snapshot restore snapshot.db --data-dir etcd1-anew --name etcd1 --initial-advertise-peer-urls https://192.0.2.1:2380 "+
			"--initial-cluster etcd1=https://192.0.2.1:2380,etcd2=https://192.0.2.2:2380,etcd3=https://192.0.2.3:2380 --initial-cluster-token orders-t0 --bump-revision 7 --mark-compacted`",
		"--data-dir etcd3-anew", "`etcdctr bundle`", "fill etcd1 of etcd1-anew", "fill etcd3 of etcd3-anew", "`etcdctr health`")
	if text := said(b.recover(false)); strings.Contains(text, "-live") {
		t.Errorf("nobody answers, and it says\n%s", text)
	}
	wantInOrder(t, said(b.restore("s3://b/kept.tar.zst", nil)), "bring s3://b/kept.tar.zst here", "-xOf kept.tar.zst snapshot.db", "fill etcd1")
	later := &backup.Source{Revision: 9}
	wantInOrder(t, said(b.restore("kept.tar.zst", later)), "revision 0 that comes back, and not 9", "-xOf kept.tar.zst")
	b.want.Backup = &cluster.Backup{Encryption: []string{"age1"}}
	wantInOrder(t, said(b.restore("kept.tar.zst", nil)), "data.tar.zst.age | age --decrypt")
}

func wantInOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q is not, in its place, in\n%s", part, text)
			return
		}
		rest = after
	}
}
