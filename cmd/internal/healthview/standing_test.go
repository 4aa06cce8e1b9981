package healthview

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestAStandingIsSaidInOneLine(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, s := range map[string]etcdctr.Standing{
		"running for 3 minutes, healthy":            {Server: runtime.Server{Status: runtime.Running, Since: now.Add(-3 * time.Minute), Detail: "Up"}, Health: etcdctr.Healthy},
		"failed for 2 hours, 4 restarts (exit 1)":   {Server: runtime.Server{Status: runtime.Failed, Since: now.Add(-2 * time.Hour), Restarts: 4, Detail: "exit 1"}},
		string(runtime.Created):                     {Server: runtime.Server{Status: runtime.Created, Detail: "created"}},
		string(runtime.Absent) + " (nothing of it)": {Server: runtime.Server{Status: runtime.Absent, Detail: "nothing of it"}},
	} {
		if got := Status(s, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
