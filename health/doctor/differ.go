package doctor

import (
	"github.com/etcdctr/etcdctr/internal/listed"
)

// reconcile is for a member of which an alarm says that its data differs. Which one that
// is, only the hashes of all tell: the comparison that etcd makes from time to time takes
// its leader's data for right, and names another member where the leader's is wrong.
func (w ward) reconcile(m Member, cause string) treatment {
	if !w.quorum && w.returns() {
		return w.wakeHolders(m, cause)
	}
	most, differ := w.compared()
	switch {
	case most == "" || m.Hash == "":
		return treatment{cause + "; nothing tells which of them is right: save a snapshot of each", Remedy{Kind: Restore}}
	case m.Hash != most:
		return w.replace(m, cause)
	case len(differ) > 0:
		return w.replace(differ[0], "etcd blames its data, and that is what most members have: the data of "+listed.And(names(differ))+" differs")
	case w.serving() < w.voters():
		return treatment{"etcd blames its data, and all that could be asked have the same: compare again once all members serve", Remedy{}}
	}
	return treatment{"etcd blames its data, and all members have the same: only the alarm is left", Remedy{Kind: Disarm}}
}

// compared is the hash of all data that most of the voters have, and who has another;
// an empty one where there is none, or the data was not compared. One member alone has
// nobody to compare with.
func (w ward) compared() (string, []Member) {
	count, most := map[string]int{}, ""
	for _, m := range w.Members {
		if m.Hash == "" || !w.votes(m) {
			continue
		}
		if count[m.Hash]++; count[m.Hash] >= max(2, majority(w.voters())) {
			most = m.Hash
		}
	}
	var differ []Member
	for _, m := range w.Members {
		if most != "" && m.Hash != "" && m.Hash != most {
			differ = append(differ, m)
		}
	}
	return most, differ
}

func names(members []Member) []string {
	var all []string
	for _, m := range members {
		all = append(all, m.Name)
	}
	return all
}
