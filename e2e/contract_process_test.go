//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
	processes "github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/runtimetest"
)

func TestProcessesKeepTheContract(t *testing.T) {
	folder, self := t.TempDir(), etcdctrBinary(t)
	home := func(name string) process.Home { return process.Home{Dir: filepath.Join(folder, ".etcdctr", name)} }
	runtimetest.Run(t, runtimetest.Fixture{
		Prefix: "local-",
		Runtime: func(t *testing.T, events func(runtime.Event)) runtime.Runtime {
			t.Helper()
			return processes.New(processes.Options{
				Folder: filepath.Join(folder, ".etcdctr"), CertsDir: filepath.Join(folder, "certs"), Self: self,
				Carried: &processes.Program{Path: self, Version: cluster.DefaultVersion}, Now: time.Now, Events: events,
			})
		},
		Spoil: func(c *cluster.Cluster) { c.Spec.EtcdBinary = filepath.Join(folder, "not-there") },
		Crash: func(t *testing.T, name, server string) {
			t.Helper()
			s, err := home(name).State()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range s.Members {
				if m.Name == server {
					if err := syscall.Kill(m.Process.PID, syscall.SIGKILL); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		Holds: func(_ *testing.T, _, _, where string) bool {
			_, err := os.Stat(filepath.Join(where, "member", "wal"))
			return err == nil
		},
		Bystander: func(t *testing.T, name string) func() error {
			t.Helper()
			path := filepath.Join(folder, ".etcdctr", name+".txt")
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("not yours"), 0o600)); err != nil {
				t.Fatal(err)
			}
			return func() error { _, err := os.Stat(path); return err }
		},
	})
}
