package listed_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/internal/listed"
)

func TestAListIsJoinedAsASentenceDoes(t *testing.T) {
	for _, test := range []struct {
		words   []string
		and, or string
	}{
		{nil, "", ""},
		{[]string{"a"}, "a", "a"},
		{[]string{"a", "b"}, "a and b", "a or b"},
		{[]string{"a", "b", "c"}, "a, b and c", "a, b or c"},
	} {
		if and, or := listed.And(test.words), listed.Or(test.words); and != test.and || or != test.or {
			t.Errorf("%q: %q and %q", test.words, and, or)
		}
	}
}

func TestAWordGoesWithTheNumber(t *testing.T) {
	for n, want := range []string{"are", "is", "are", "are"} {
		if got := listed.Of(n, "is", "are"); got != want {
			t.Errorf("with %d: %s, want %s", n, got, want)
		}
	}
}
