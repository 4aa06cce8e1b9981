package etcdctr

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file says what people do on machines whose members can't be given their data from here.

// ByHandError is the ErrNotFillable of members to whose machines somebody takes what they
// run.
type ByHandError struct {
	Name string
	// Steps are what takes the place of it, in their order: where, and a command for a shell.
	Steps []string
}

func (e *ByHandError) Error() string {
	return fmt.Sprintf("%s: nobody reaches from here what its members hold: their machines are described by `host` alone", e.Name)
}

// Is makes it an ErrNotFillable.
func (e *ByHandError) Is(target error) bool { return target == ErrNotFillable }

// byHand is what people do about each member.
type byHand struct {
	runtime.HandFilled
	want  *cluster.Cluster
	token string // which no cluster has had
	bump  uint64
}

// handFilled is how members are given data where people are; false where they are not needed.
func (c *Cluster) handFilled(want *cluster.Cluster, o RestoreOptions) (byHand, bool) {
	r, is := c.runtime.(runtime.HandFilled)
	token := want.Name + "-" + strconv.FormatInt(c.o.Now().Unix(), 36)
	return byHand{r, want, token, o.Bump}, is && o.Into == nil
}

// restore brings an archive back. What was kept of the changes after it is not in it.
func (b byHand) restore(archive string, of *backup.Source) error {
	var steps []string
	if inBucket(archive) {
		steps = append(steps, "bring "+archive+" here")
		archive = path.Base(archive)
	}
	if of != nil && of.Revision > of.Backup.Metadata.Revision {
		steps = append(steps, fmt.Sprintf("by hand it is revision %d that comes back, and not %d: what was kept of the changes between is brought back by engines alone",
			of.Backup.Metadata.Revision, of.Revision))
	}
	return &ByHandError{b.want.Name, append(steps, b.replace(shellword.Quote(archive))...)}
}

// recover keeps what members hold, and brings the best of it back. Asked tells that one of
// them answers.
func (b byHand) recover(asked bool) error {
	var steps []string
	if asked {
		steps = append(steps, fmt.Sprintf("here, before anybody is stopped, as who is started again gives nothing: `etcdctr backup --output %s-live%s`", b.want.Name, backup.Extension))
	}
	for _, m := range b.want.Members {
		held := m.Name + "-held"
		steps = append(steps, fmt.Sprintf("where %s has data still, %s; then take %s here, and: `%s`",
			m.Name, b.KeepThere(b.want, m, held), path.Join(cluster.UnitName(b.want.Name, m.Name), held),
			Typed([]string{"backup", "--data-dir", held, "--output", held + backup.Extension})))
	}
	return &ByHandError{b.want.Name, append(steps, b.replace("THE-ONE-OF-THE-HIGHEST-REVISION"+backup.Extension)...)}
}

// replace makes data for all members of an archive, and has them serve it.
func (b byHand) replace(archive string) []string {
	steps := []string{fmt.Sprintf("here: tar --zstd -xOf %s snapshot.db > snapshot.db", archive)}
	if b.want.Backup != nil && len(b.want.Backup.Encryption) > 0 {
		steps[0] = fmt.Sprintf("here: tar --zstd -xOf %s data.tar.zst.age | age --decrypt -i KEY-FILE | tar --zstd -xO snapshot.db > snapshot.db", archive)
	}
	var peers []string
	for _, m := range b.want.Members {
		peers = append(peers, m.Name+"="+m.PeerURL())
	}
	for _, m := range b.want.Members {
		restore := []string{
			"etcdutl", "snapshot", "restore", "snapshot.db", "--data-dir", anew(m), "--name", m.Name,
			"--initial-advertise-peer-urls", m.PeerURL(), "--initial-cluster", strings.Join(peers, ","), "--initial-cluster-token", b.token,
		}
		if b.bump > 0 {
			restore = append(restore, "--bump-revision", strconv.FormatUint(b.bump, 10), "--mark-compacted")
		}
		steps = append(steps, "here: `"+Typed(restore)+"`")
	}
	steps = append(steps, "here: `etcdctr bundle`")
	for _, m := range b.want.Members {
		steps = append(steps, b.FillThere(b.want, m, anew(m)))
	}
	return append(steps, "here, once all of them run: `etcdctr health`")
}

// anew is the folder with the data that is made for a member.
func anew(m cluster.Member) string { return m.Name + "-anew" }
