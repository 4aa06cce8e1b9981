package local

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/processid"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Somebody else's etcd at the port of a member passes for the member in plain text.
func TestNobodyElseAnswersForAMember(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, test := range map[string]struct {
		member  processid.ID
		scheme  string
		reaches bool
	}{
		"itself":                            {processid.Of(os.Getpid()), "http", true},
		"another, and it listens not":       {processid.Of(os.Getppid()), "http", false},
		"another, and it has ended":         {processid.ID{}, "http", false},
		"another, whom a certificate tells": {processid.ID{}, "https", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(Options{Folder: t.TempDir()})
			home := r.home("orders")
			state, err := json.Marshal(process.State{Name: "orders", Members: []process.MemberState{{Name: "etcd1", Status: process.Running, Process: test.member}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(home.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(home.Dir, "state.json"), state, 0o600); err != nil {
				t.Fatal(err)
			}
			url := test.scheme + "://" + l.Addr().String()
			settings := cluster.Settings{{Name: "advertise-client-urls", Value: url}, {Name: "listen-client-urls", Value: url}}
			if test.scheme == "https" {
				settings = append(settings, cluster.Setting{Name: "trusted-ca-file", Value: "ca.crt"})
			}
			have := &runtime.State{Name: "orders", Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Settings: settings, Published: []string{l.Addr().String()}}}}
			way, err := r.Reach(t.Context(), have)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := way.Dial(context.Background(), "tcp", l.Addr().String())
			if err == nil {
				conn.Close()
			}
			if reached := err == nil; reached != test.reaches {
				t.Errorf("reached is %t: %v", reached, err)
			}
		})
	}
}
