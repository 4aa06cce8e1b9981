package adopt

import "testing"

func TestTheUnitOfAProcess(t *testing.T) {
	for cgroups, want := range map[string]string{
		"0::/system.slice/etcd.service\n":                             "etcd.service",
		"0::/databases.slice/etcd@one.service\n":                      "etcd@one.service",
		"1:name=systemd:/docker/0a1b/system.slice/etcd.service\n0::/": "etcd.service",
		"0::/user.slice/user-1000.slice/user@1000.service\n":          "",
		"0::/system.slice/docker-0a1b.scope\n":                        "",
		"0::/\n":                                                      "",
	} {
		if got := unitNamed(cgroups); got != want {
			t.Errorf("%q is of %q, want %q", cgroups, got, want)
		}
	}
}
