package certs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

func TestGrantDependsOnWhoAsks(t *testing.T) {
	for name, test := range map[string]struct {
		to   Grantee
		by   caller
		want grant
		err  string
	}{
		"root gives the files away":     {Grantee{1000, 1000, false}, caller{0, nil}, grant{atomicdir.Owner{UID: 1000, GID: 1000}, 0o700, 0o600}, ""},
		"the owner keeps them":          {Grantee{1000, 1000, false}, caller{1000, []int{1000}}, grant{atomicdir.Owner{UID: -1, GID: -1}, 0o700, 0o600}, ""},
		"another opens them to a group": {Grantee{1001, 27, true}, caller{1000, []int{1000, 27}}, grant{atomicdir.Owner{UID: -1, GID: 27}, 0o750, 0o640}, ""},
		"not to one that it is not in":  {Grantee{1001, 27, true}, caller{1000, []int{1000}}, grant{}, "neither root nor in the group 27"},
		"nor to a user":                 {Grantee{1001, 1001, false}, caller{1000, []int{1000}}, grant{}, "1001:GID with one of [1000]"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := grantTo(test.to, test.by)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAccessOfAGroupOutlivesARenewal(t *testing.T) {
	p := &PKI{Dir: t.TempDir() + "/certs"}
	plan := Plan{Members: []Member{{Name: "etcd1"}}, Clients: []ClientIdentity{{Name: "app"}}}
	if _, err := p.Ensure(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if err := p.hand("clients/app", grant{atomicdir.Owner{UID: -1, GID: -1}, groupDirMode, groupKeyMode}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Renew(t.Context(), RenewOptions{}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]fs.FileMode{
		"clients/app": groupDirMode, "clients/app/client": groupDirMode, "clients/app/client/tls.key": groupKeyMode,
		"clients/app/client/tls.crt": certMode, "members/etcd1/peer/tls.key": keyMode,
	} {
		if info, err := os.Stat(filepath.Join(p.Dir, file)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", file, info.Mode(), err, want)
		}
	}
	findings, err := p.Verify(VerifyOptions{Plan: &plan})
	if len(findings) > 0 || err != nil {
		t.Errorf("findings: %v, %v", findings, err)
	}
}
