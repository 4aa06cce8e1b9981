package backup

import (
	"slices"

	"go.etcd.io/bbolt"
)

// Identity is whose a data folder is.
type Identity struct {
	Member    Member // the zero value if the database does not know it yet
	Members   []Member
	ClusterID string
	// Minor is that of the release that wrote it, as far as the data tells: 5
	// stands for older ones too.
	Minor int
	// Term and Last are those of the last entry of its log. Of the folders of all
	// members the one with the highest of both knows all that was acknowledged, as
	// raft would let only that one lead.
	Term, Last uint64
}

// Identify reads whose a stopped member's data folder is. ErrRuns.
func Identify(dir string) (Identity, error) {
	db := database(dir)
	if err := unused(db); err != nil {
		return Identity{}, err
	}
	c, err := inspect(db)
	if err != nil {
		return Identity{}, err
	}
	i := Identity{Minor: c.Reader()}
	if err := view(db, func(tx *bbolt.Tx) (err error) { i.Members, err = membersIn(tx); return err }); err != nil {
		return i, err
	}
	log, err := readLog(dir)
	if err != nil {
		return i, err
	}
	i.ClusterID, i.Term, i.Last = log.Cluster.String(), log.Term, log.Last
	if at := slices.IndexFunc(i.Members, func(m Member) bool { return m.ID == log.Member.String() }); at >= 0 {
		i.Member = i.Members[at]
	}
	return i, nil
}
