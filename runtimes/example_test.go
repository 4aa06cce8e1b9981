package runtimes_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtimes"
)

// A program works with all that this machine has, as the command line does.
func Example() {
	folder, err := os.MkdirTemp("", "orders-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	here, err := runtimes.Open(runtimes.Options{Folder: folder})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer here.Close()
	ctx := context.Background()
	c, err := here.Clusters(etcdctr.Options{}).Find(ctx, cluster.Spec{Name: "orders", Runtime: "process"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Observe(ctx)
	fmt.Println(c.Runtime().Name(), errors.Is(err, runtime.ErrNotFound))
	// Output: process true
}
