package etcdctr

import "testing"

func TestAListIsJoinedAsASentenceDoes(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := joined(words); got != want {
			t.Errorf("%q: %q, not %q", words, got, want)
		}
	}
}
