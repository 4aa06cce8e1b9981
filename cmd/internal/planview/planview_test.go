package planview

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/converge"
)

// What only waits or looks has no mark, and users and roles are made and taken away.
func TestAPlanMarksWhatItChanges(t *testing.T) {
	var out strings.Builder
	Print(&out, converge.Steps{
		{Kind: converge.Prepare, Servers: []string{"etcd1"}},
		{Kind: converge.PutRole, To: "orders"},
		{Kind: converge.PutUser, To: "app"},
		{Kind: converge.TurnUsersOn},
		{Kind: converge.DropUser, To: "app"},
		{Kind: converge.DropRole, To: "orders"},
		{Kind: converge.TurnUsersOff},
		{Kind: converge.AwaitServing, Servers: []string{"etcd1"}},
	}, func(_ text.Colors, line string) string { return line })
	var marks []string
	for line := range strings.Lines(out.String()) {
		marks = append(marks, line[:1])
	}
	if diff := cmp.Diff([]string{" ", "~", "~", "~", "-", "-", "~", " "}, marks); diff != "" {
		t.Errorf("(-want +got):\n%s\nof\n%s", diff, &out)
	}
}
