package doctor

import (
	"strings"
	"testing"
)

// Members that were founded anew serve, and the last one of the cluster that has served before
// is the stranger among them: what it has is not given up for theirs.
func TestWhoHasServedBeforeIsNotTakenForTheIntruder(t *testing.T) {
	const mismatch = `{"level":"warn","msg":"request sent was ignored due to cluster ID mismatch"}`
	young := func(name string) Member {
		return Member{Name: name, Status: Running, Answers: true, Serves: true, ClusterID: "b1", Data: DataKept, Space: Space{Revision: 4}}
	}
	for name, tt := range map[string]struct {
		served          string
		revision        int64
		command, byHand string
	}{
		"it has served":                         {"a1", 9, "etcdctr recover", ""},
		"it has come further, and nobody knows": {"", 9, "", "find out which is meant"},
		"it has served, and knows less":         {"a1", 2, "", "find out which is meant"},
		"the others have served":                {"b1", 2, "", "no command"},
		"nobody knows, and it knows less":       {"", 2, "", "no command"},
	} {
		t.Run(name, func(t *testing.T) {
			old := Member{Name: "etcd3", Status: Running, Answers: true, ClusterID: "a1", Data: DataKept, Space: Space{Revision: tt.revision}, Log: []string{mismatch}}
			d, found := Diagnose(Evidence{Served: tt.served, Members: []Member{young("etcd1"), young("etcd2"), old}})
			if !found || d.Member != "etcd3" || d.Command != tt.command || !strings.HasPrefix(d.ByHand, tt.byHand) {
				t.Errorf("got %+v, %v", d, found)
			}
			if untouched := strings.Contains(d.Cause, "not to be touched"); untouched != (tt.byHand == "no command") {
				t.Errorf("it says %q", d.Cause)
			}
		})
	}
}
