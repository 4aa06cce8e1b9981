//go:build unix

package etcdctr_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtimes"
)

// The test binary is etcd, too.
func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(m.Run())
}

// processes run the etcd inside the test binary, and end with it.
func processes(folder string) runtime.Runtime {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	return local.New(local.Options{
		Folder: filepath.Join(folder, ".etcdctr"), CertsDir: filepath.Join(folder, "certs"), Now: time.Now,
		Carried: &local.Program{Path: self, Version: cluster.DefaultVersion}, Foreground: new(local.Foreground),
		Further: 23_000, // tests of other packages run at the same time
	})
}

// A cluster of three members with mutual TLS, from nothing to its end.
func Example() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := greet(context.Background(), folder); err != nil {
		fmt.Println(err)
	}
	// Output: hello from 3 members
}

func greet(ctx context.Context, folder string) error {
	clusters := etcdctr.New(etcdctr.Options{Folder: folder, Runtimes: []runtime.Runtime{processes(folder)}})
	c, err := clusters.Find(ctx, cluster.Spec{Name: "orders", Members: cluster.Count(3)})
	if err != nil {
		return err
	}
	if _, err := c.Up(ctx, etcdctr.UpOptions{}); err != nil {
		return err
	}
	etcd, err := c.Client(ctx)
	if err != nil {
		return err
	}
	if _, err := etcd.Put(ctx, "greeting", "hello"); err != nil {
		return err
	}
	got, err := etcd.Get(ctx, "greeting")
	if err != nil {
		return err
	}
	fmt.Println(string(got.Kvs[0].Value), "from", len(etcd.Endpoints()), "members")
	if err := etcd.Close(); err != nil {
		return err
	}
	_, err = c.Down(ctx, true)
	return err
}

// Whatever this machine has runs the cluster, as for the command line.
func ExampleCluster_Up() {
	if err := begin(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func begin(ctx context.Context) error {
	here, err := runtimes.Open(runtimes.Options{Folder: "/srv/orders"})
	if err != nil {
		return err
	}
	defer here.Close()
	c, err := here.Clusters(etcdctr.Options{}).Find(ctx, cluster.Spec{Name: "orders"})
	if err != nil {
		return err
	}
	_, err = c.Up(ctx, etcdctr.UpOptions{})
	return err
}

// A running cluster on a Docker Engine is brought to five members of a newer
// etcd: what will be done is shown first, and each step as it is taken.
func ExampleCluster_Make() {
	if err := grow(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func grow(ctx context.Context) error {
	e, err := engine.Connect(ctx, "orders") // where the docker command would find it
	if err != nil {
		return err // a *engine.SilentError says why it does not answer
	}
	defer e.Close()
	clusters := etcdctr.New(etcdctr.Options{Folder: "/srv/orders", Runtimes: []runtime.Runtime{
		docker.New(docker.Options{Engine: e, Folder: "/srv/orders", CertsDir: "certs", DNSDir: "dns", LockDir: "/run/lock"}),
	}})
	c, err := clusters.Find(ctx, cluster.Spec{Name: "orders", Members: cluster.Count(5), Etcd: "3.7"})
	if err != nil {
		return err
	}
	change := etcdctr.Change{Verb: converge.Up, Tell: func(e converge.Event) { log.Print(e.Step) }}
	steps, err := c.Plan(ctx, change)
	if err != nil {
		return err // a *converge.Refusal says why, and what to do
	}
	fmt.Print(steps)
	_, err = c.Make(ctx, change)
	return err
}
