// Command etcd is etcd, etcdctl and etcdutl, by the name that it is called by:
// what the images that etcdctr makes of itself hold. Under any other name it is
// the server.
package main

import (
	"os"

	"github.com/etcdctr/etcdctr/cmd/internal/multicall"
)

func main() {
	if !multicall.Run(os.Args) {
		multicall.Etcd(os.Args)
	}
}
