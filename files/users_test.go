package files_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/files"
)

func TestFilesThatStartMembersWithoutUsersAreWarnedOf(t *testing.T) {
	for enabled, times := range map[string]int{"true": 1, "false": 0} {
		spec := cluster.Spec{Name: "orders", Auth: &cluster.AuthSpec{Enabled: enabled}}
		for what, write := range map[string]func(files.Writer, *cluster.Cluster, func(error)) error{
			"a Compose file": func(w files.Writer, c *cluster.Cluster, warn func(error)) error {
				_, err := w.Compose(t.Context(), c, files.ComposeOptions{Warn: warn})
				return err
			},
			"a Procfile": func(w files.Writer, c *cluster.Cluster, warn func(error)) error {
				_, err := w.Procfile(t.Context(), c, files.ProcfileOptions{Warn: warn, Etcd: "etcd"})
				return err
			},
			"a unit": func(w files.Writer, c *cluster.Cluster, warn func(error)) error {
				_, err := w.Units(t.Context(), c, files.UnitOptions{Warn: warn})
				return err
			},
		} {
			w, c := writer(t, spec, cluster.InContainers)
			told := 0
			err := write(w, c, func(err error) {
				if strings.HasPrefix(err.Error(), "auth: "+what+" has no users in it") && strings.Contains(err.Error(), "`etcdctr up") {
					told++
				}
			})
			if err != nil || told != times {
				t.Errorf("%s with enabled: %s: told %d times, %v", what, enabled, told, err)
			}
		}
	}
}
