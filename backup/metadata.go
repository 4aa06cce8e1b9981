package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// formatVersion is that of archives made here.
const formatVersion = 1

// Metadata says what an archive holds.
type Metadata struct {
	// Version is the format's: 1. It is 0 for a bare snapshot of etcdctl's, of
	// which nothing but Size, SHA256, Revision and StorageVersion is known.
	Version int `json:"version"`
	// Cluster is the cluster's name.
	Cluster string    `json:"cluster"`
	Time    time.Time `json:"time"`
	// From is the member that the snapshot is of, or the data folder.
	From string `json:"from"`
	// Release is the etcd of that member, such as "3.6.16", ClusterVersion what
	// the members had agreed on, StorageVersion that of the data, such as "3.6.0".
	// Each is empty where nobody tells: etcd 3.5 has no storage version.
	Release        string `json:"release,omitempty"`
	ClusterVersion string `json:"clusterVersion,omitempty"`
	StorageVersion string `json:"storageVersion,omitempty"`
	ClusterID      string `json:"clusterId,omitempty"` // hexadecimal, as etcd writes it
	// Revision is the newest in the snapshot.
	Revision int64    `json:"revision"`
	Members  []Member `json:"members,omitempty"`
	// Size is the snapshot's in bytes, SHA256 its checksum, as etcd puts it
	// behind the database, in hexadecimal.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// ClusterFile is the description of the cluster; empty if nobody had one.
	ClusterFile string `json:"clusterFile,omitempty"`
	// Keys says that the certificates are in it, with their keys, encrypted.
	Keys bool `json:"keys,omitempty"`
	// ByHand says that somebody has asked for it, and that it was not taken at its time:
	// a Runner's rules leave it alone.
	ByHand bool `json:"byHand,omitempty"`
	// Encrypted says that all of it is encrypted but this, which lacks ClusterFile and
	// Members then.
	Encrypted bool `json:"encrypted,omitempty"`
	// Missing is how many entries the member's log held that are not in the
	// snapshot: of a data folder whose log could not be carried out.
	Missing uint64 `json:"missing,omitempty"`
}

// Member is one as the cluster counted it.
type Member struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	PeerURLs   []string `json:"peerUrls"`
	ClientURLs []string `json:"clientUrls,omitempty"`
	Learner    bool     `json:"learner,omitempty"`
}

func membersOf(list []member.Member) []Member {
	var all []Member
	for _, m := range list {
		all = append(all, Member{m.ID.String(), m.Name, m.PeerURLs, m.ClientURLs, m.Learner})
	}
	return all
}

// check tells whether metadata can be relied on.
func (m Metadata) check() error {
	if m.Version > formatVersion {
		return fmt.Errorf("it is of format %d, made by a newer etcdctr: this one reads format %d", m.Version, formatVersion)
	}
	sum, err := hex.DecodeString(m.SHA256)
	if m.Version < 1 || err != nil || len(sum) != sha256.Size || m.Size < sha256.Size || m.Revision < 1 || m.Time.IsZero() {
		return errors.New("its metadata.json is not what etcdctr writes")
	}
	return nil
}
