package doctor

import "testing"

// Members that a file of more than there were has started are a cluster of their own, or have
// the data of when they were members: the command that counts them has them join, and none that
// is about members takes them for one.
func TestMembersThatNobodyCountsAreMadeMembers(t *testing.T) {
	const wal = `{"level":"warn","msg":"request sent was ignored due to cluster ID mismatch"}`
	for name, tt := range map[string]struct {
		log, cluster string
		described    bool
		want         string
	}{
		"of another cluster":     {wal, "", false, "etcdctr up --members 5"},
		"on old data":            {"", "a", false, "etcdctr up --members 5"},
		"on old data, described": {"", "a", true, "etcdctr member replace etcd4"},
	} {
		e := Evidence{Described: tt.described, KnownBy: "a"}
		for _, of := range []string{"etcd1", "etcd2", "etcd3"} {
			e.Members = append(e.Members, Member{Name: of, Status: Running, Answers: true, Serves: true, ClusterID: "a", Data: DataKept})
			e.Known = append(e.Known, Known{ID: of, Name: of})
		}
		for _, of := range []string{"etcd4", "etcd5"} {
			e.Members = append(e.Members, Member{Name: of, Status: Running, ClusterID: tt.cluster, Data: DataKept, Log: []string{tt.log}})
		}
		d, found := Diagnose(e)
		if !found || d.Member != "etcd4" || d.Command != tt.want || d.ByHand != "" {
			t.Errorf("%s: it is %+v", name, d)
		}
	}
}
