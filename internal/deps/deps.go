//go:build deps

package deps

import (
	_ "github.com/compose-spec/compose-go/v2/loader"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/go-containerregistry/pkg/v1"
	_ "github.com/google/renameio/v2"
	_ "github.com/moby/moby/client"
	_ "github.com/jedib0t/go-pretty/v6/table"
	_ "github.com/jedib0t/go-pretty/v6/progress"
	_ "go.yaml.in/yaml/v3"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/spf13/cobra"
	_ "github.com/testcontainers/testcontainers-go"
	_ "go.etcd.io/etcd/client/v3"
	_ "go.etcd.io/etcd/etcdctl/v3/ctlv3"
	_ "go.etcd.io/etcd/etcdutl/v3/etcdutl"
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/term"
	_ "github.com/miekg/dns"
	_ "github.com/cenkalti/backoff/v5"
	_ "golang.org/x/sync/errgroup"
	_ "github.com/distribution/reference"
	_ "github.com/docker/cli/cli/context/store"
	_ "github.com/gofrs/flock"
)
