package adopt

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
)

// Lines of members of 3.7 and 3.6 that run as another user than the one whose volume it is.
func TestMembersThatMayNotWriteTheirDataAreNamed(t *testing.T) {
	const touched = `{"level":"fatal","ts":"2026-11-30T14:09:17.168147Z","caller":"etcdmain/etcd.go:157","msg":"discovery failed",` +
		`"error":"cannot access data directory: open /etcd-data/.touch: permission denied"}`
	const listed = `{"level":"fatal","ts":"2026-11-30T14:08:45.624074Z","caller":"etcdmain/etcd.go:201","msg":"failed to list data directory",` +
		`"dir":"/data","error":"open /data: permission denied"}`
	as := func(user string) *Stack {
		m := of("etcd1", runtime.Stopped, open("etcd1")...)
		m.user, m.DataDir = user, "/etcd-data"
		return shop(m)
	}
	for _, c := range []struct {
		user, line string
		denied     bool
	}{
		{"65532:65532", touched, true},
		{"65532:65532", listed, true},
		{"65532:65532", `{"level":"fatal","msg":"discovery failed","error":"member count is unequal"}`, false},
		{"", touched, false},
	} {
		err := as(c.user).whyEmpty(map[string][]string{"etcd1": {c.line}})
		denied := (*DeniedError)(nil)
		if errors.As(err, &denied) != c.denied || !errors.Is(err, ErrEmpty) {
			t.Errorf("as %q, after %s: %v", c.user, c.line, err)
		}
		if c.denied && err.Error() != "shop: no member of it runs, and none has data: there is nothing to adopt: etcd1 runs as user 65532:65532, and may not write to /etcd-data" {
			t.Errorf("it says %v", err)
		}
	}
}
