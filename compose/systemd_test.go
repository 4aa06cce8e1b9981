package compose_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// underSystemd is a cluster of which one member has a folder of the user's.
func underSystemd(t *testing.T) *cluster.Cluster {
	t.Helper()
	spec, err := cluster.Load("etcdctr.yaml", []byte("name: c\ntls: none\nmembers: [etcd1, {name: etcd2, data: \"/srv/my disk:%1\"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// systemd makes a member's folder, or lets it write into the one that it is given.
func TestUnitsMayWriteWhereTheDataIs(t *testing.T) {
	c := underSystemd(t)
	for i, want := range [][]string{
		{"StateDirectory=etcd/c-etcd1\nStateDirectoryMode=0700\n", "ETCD_DATA_DIR=/var/lib/etcd/c-etcd1/data\n"},
		{"RequiresMountsFor=\"/srv/my disk:%%1\"\n\n[Service]\n", "BindPaths=\"/srv/my disk\\:%%1\"\n", "ETCD_DATA_DIR=\"/srv/my disk:%1/data\"\n"},
	} {
		m := c.Members[i]
		text := string(compose.Unit(c, m, "/usr/local/bin/etcd")) + string(compose.UnitEnvFile(m))
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: no %q in\n%s", m.Name, line, text)
			}
		}
	}
}

// What a unit checks before it starts its member, and notes once that serves, is outside of
// the folder of the data.
func TestUnitsMissDataThatHasServed(t *testing.T) {
	c := underSystemd(t)
	for i, want := range []string{
		"exit 1; }' sh /etc/etcd/c-etcd1.served /var/lib/etcd/c-etcd1/data/member/wal\n",
		"exit 1; }' sh /etc/etcd/c-etcd2.served \"/srv/my disk:%%1/data/member/wal\"\n",
	} {
		unit := string(compose.Unit(c, c.Members[i], "/usr/local/bin/etcd"))
		before, after, _ := strings.Cut(unit, "ExecStartPost=")
		if !strings.Contains(before, "\nExecStartPre=+/bin/sh -c 'test ! -e") || !strings.Contains(before, want) ||
			!strings.Contains(after, `>"$$1"' sh `+compose.UnitMark(c, c.Members[i])+"\n") {
			t.Errorf("%s: no %q in\n%s", c.Members[i].Name, want, unit)
		}
	}
}
