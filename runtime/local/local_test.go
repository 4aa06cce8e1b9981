//go:build unix

package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/runtimetest"
)

// The test binary is etcd and the supervisor, too.
func TestMain(m *testing.M) {
	local.UseResolver()
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	if program, ok := local.Programs[filepath.Base(os.Args[0])]; ok {
		if err := program(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func options(t *testing.T, folder string) local.Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v, err := cluster.ParseVersion(version.Version)
	if err != nil {
		t.Fatal(err)
	}
	return local.Options{
		Folder: filepath.Join(folder, ".etcdctr"), CertsDir: filepath.Join(folder, "certs"), Self: self,
		Carried: &local.Program{Path: self, Version: v}, Environ: []string{"PATH=/usr/bin"}, Now: time.Now,
	}
}

func TestProcessesKeepTheContract(t *testing.T) {
	folder := t.TempDir()
	home := func(name string) process.Home { return process.Home{Dir: filepath.Join(folder, ".etcdctr", name)} }
	runtimetest.Run(t, runtimetest.Fixture{
		Prefix: "local-",
		Runtime: func(t *testing.T, events func(runtime.Event)) runtime.Runtime {
			t.Helper()
			o := options(t, folder)
			o.Events = events
			return local.New(o)
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
