package compose_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// systemd makes a member's folder, or lets it write into the one that it is given.
func TestUnitsMayWriteWhereTheDataIs(t *testing.T) {
	spec, err := cluster.Load("etcdctr.yaml", []byte("name: c\ntls: none\nmembers: [etcd1, {name: etcd2, data: \"/srv/my disk:%1\"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		t.Fatal(err)
	}
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
