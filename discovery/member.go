package discovery

import (
	"crypto/sha1" //nolint:gosec // etcd's choice: it names members, it protects nothing
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// NewMember gives the registration of a member: its name, its peer URLs, and
// the ID that etcd will compute of them and of the token
// (computeMemberID in server/etcdserver/api/membership).
func NewMember(name string, peerURLs []string, token string) Member {
	urls := slices.Sorted(slices.Values(peerURLs))
	sum := sha1.Sum([]byte(strings.Join(urls, "") + token)) //nolint:gosec // as above
	id := binary.BigEndian.Uint64(sum[:8])
	return Member{ID: fmt.Sprintf("%x", id), Name: name, PeerURLs: strings.Join(urls, ",")}
}
