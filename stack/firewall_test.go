package stack

import "testing"

func TestPodmanOfRootHasTheMachinesFirewallBetweenItsContainers(t *testing.T) {
	rootless := podmanInfo{}
	rootless.Security.Rootless = true
	for what, test := range map[string]struct {
		info  podmanInfo
		calls string
		want  string
	}{
		"seen by iptables": {calls: "1\n", want: "podman+"},
		"not seen":         {calls: "0\n"},
		"no such module":   {},
		"rootless":         {info: rootless, calls: "1\n"},
	} {
		if got := filtered(test.info, []byte(test.calls)); got != test.want {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}
