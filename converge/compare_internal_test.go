package converge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/etcdctr/etcdctr/member"
)

// busy is an etcd of which a member has no time to hash its data, until it was asked so often.
type busy struct {
	Etcd
	until, asked int
}

func (b *busy) Hash(context.Context) (member.Hashes, error) {
	b.asked++
	one := member.Hash{Name: "etcd2", Hash: 1, Revision: 1}
	if b.asked < b.until {
		one = member.Hash{Name: "etcd2", Err: errors.New("deadline exceeded")}
	}
	return member.Hashes{Revision: 1, Members: []member.Hash{{Name: "etcd1", Hash: 1, Revision: 1}, one}}, nil
}

func TestAMemberThatIsBusyIsAskedForItsHashOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{until: 2}
		if err := compareHashes(t.Context(), b); err != nil || b.asked != 2 {
			t.Errorf("asked %d times it says %v", b.asked, err)
		}
		b = &busy{until: 100}
		if err := compareHashes(t.Context(), b); err == nil || b.asked != hashTries || !strings.Contains(err.Error(), "etcdctr health --deep") {
			t.Errorf("asked %d times it says %v", b.asked, err)
		}
	})
}
