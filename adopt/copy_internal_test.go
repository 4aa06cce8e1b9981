package adopt

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

func TestTooFewMembersAreCounted(t *testing.T) {
	unread := errors.New("etcd2: its log is damaged")
	for want, best := range map[string]backup.Copied{
		ErrMinority.Error() + ", and that of 1 of 3 is there":                            {Name: "etcd3", Readable: 1},
		ErrMinority.Error() + ", and that of 1 of 3 is there: etcd2: its log is damaged": {Name: "etcd3", Readable: 1, Unread: unread},
	} {
		err := tooFew(best, 3)
		if err.Error() != want || !errors.Is(err, ErrMinority) || errors.Is(err, unread) != (best.Unread != nil) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
