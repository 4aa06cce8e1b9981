package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestANoteOfWhatWasSetAsideIsReadAsItWasWritten(t *testing.T) {
	for _, n := range []noted{
		{made: "2026-11-28T12:00:00Z", folders: []string{"/var/lib/etcd/data.aside-2", "/var/lib/etcd/data.aside-1"}, restored: "/var/lib/etcd/data.aside-2"},
		{folders: []string{"/var/lib/etcd/data.aside-1"}},
		{made: "2026-11-28T12:00:00Z"},
	} {
		if diff := cmp.Diff(n, readNoted(n.String()), cmp.AllowUnexported(noted{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
