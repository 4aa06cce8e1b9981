//go:build unix

package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/runtime/local"
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
		Further: 22_000, // tests of other packages run at the same time
	}
}
