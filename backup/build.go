package backup

import (
	"fmt"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// identity is who a member is to be.
type identity struct {
	Name, PeerURL string
	Cluster       string // all members, as name=peerURL,…
	Token         string
	Bump          uint64 // what is added to the revision, which is marked as compacted then
}

// build makes a member's data folder of a snapshot, as `etcdutl snapshot restore`
// does. What any release of etcd gave, 3.5 to 3.7, it makes into what that release
// and later ones start on.
func build(snapshotFile, dir string, m identity) (err error) {
	defer func() {
		if r := recover(); r != nil { // etcd's backend trusts its pages
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: snapshotFile, Name: m.Name, OutputDataDir: dir, PeerURLs: []string{m.PeerURL},
		InitialCluster: m.Cluster, InitialClusterToken: m.Token,
		RevisionBump: m.Bump, MarkCompacted: m.Bump > 0,
	})
}
