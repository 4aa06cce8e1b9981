package doctor

import (
	"strings"
	"testing"
	"time"
)

// Lines of real members of 3.5, 3.6 and 3.7, whose clients were told `permission denied`.
const (
	byNobody   = `{"level":"error","ts":"2026-11-30T12:58:56.789241Z","caller":"auth/store.go:867","msg":"cannot find a user for permission check","user-name":"","stacktrace":"go.etcd.io/etcd/server/v3/auth.(*authStore).isOpPermitted"}`
	byStranger = `{"level":"error","ts":"2026-11-30T12:59:04.920837Z","caller":"auth/store.go:885","msg":"cannot find a user for permission check","user-name":"bob","stacktrace":"go.etcd.io/etcd/server/v3/auth.(*authStore).isOpPermitted"}`
)

func TestClientsThatEtcdTakesForNobodyAreToldOf(t *testing.T) {
	as := func(user string) string { return strings.Replace(byStranger, "bob", user, 1) }
	for name, tt := range map[string]struct {
		line, cause string
		later       time.Duration
	}{
		"no common name":         {byNobody, "etcd1, etcd2: a client whose certificate has no common name is refused every key", 0},
		"a name of nobody's":     {byStranger, `etcd1, etcd2: clients whose certificate has the common name "bob" are refused every key`, 0},
		"the health check":       {as("etcd2"), "", 0},
		"verify, which tries it": {as("no-user-of-etcds"), "", 0},
		"long ago":               {byNobody, "", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			got := Refusals(Evidence{
				Members: []Member{{Name: "etcd1", Log: []string{tt.line, tt.line}}, {Name: "etcd2", Log: []string{tt.line}}},
				Now:     readEntry(tt.line).time.Add(time.Minute + tt.later),
			})
			if told := strings.Join(got, "\n"); tt.cause == "" && told != "" || !strings.HasPrefix(told, tt.cause) || len(got) > 1 {
				t.Errorf("told %q, want %q", told, tt.cause)
			}
		})
	}
}
