//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// What stack takes for Compose's hashes of every key that our files have is what the
// real Compose makes of them.
func TestComposeHashesEveryKeyAsItIsWrittenDown(t *testing.T) {
	const dir = "../stack/testdata/hash"
	want, err := os.ReadFile(dir + "/hashes")
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, dir, "docker-compose", "config", "--hash", "*"); got != string(want) {
		t.Errorf("Compose makes\n%s\nwant\n%s", got, want)
	}
}

func TestTwoStacksArePublishedSideBySide(t *testing.T) {
	first, second := newStack(t), newStack(t)
	for _, s := range []*stack{first, second} {
		writeFile(t, s.dir+"/etcdctr.yaml", "publish: loopback\nmembers: 1\n")
		s.etcdctr("up")
	}
	if a, b := first.inspect("etcd1").HostConfig.PortBindings["2379/tcp"], second.inspect("etcd1").HostConfig.PortBindings["2379/tcp"]; len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("published at %v and %v", a, b)
	}
	before := second.containers()
	second.etcdctr("up")
	second.wantUntouched(before, "a second up")
	second.wantServing()
}
