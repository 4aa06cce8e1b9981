package runtime

import (
	"context"
	"io"

	"github.com/etcdctr/etcdctr/cluster"
)

// Filler is a Runtime that can exchange what its servers keep.
type Filler interface {
	// Fill puts files, a tar archive of what is to be in the data directory of a
	// server that does not run, in the place of the data that is there, and
	// makes what the data is kept in where there is nothing yet. The former data
	// is set aside; where is "" if there was none. Until all files have arrived
	// nothing of it is touched, and what an earlier call left half-way is
	// replaced.
	Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (where string, err error)
	// Files gives what is in the data directory of a server that does not run, as a
	// tar archive.
	Files(ctx context.Context, name, server string) (io.ReadCloser, error)
	// Etcd gives the path of the etcd that a server runs, which is copied into the
	// folder dir where it is not on this machine; "" if it can't be had.
	Etcd(ctx context.Context, want *cluster.Cluster, server, dir string) (string, error)
	// Aside gives what was set aside of a server, the newest first.
	Aside(ctx context.Context, name, server string) ([]string, error)
	// BringBack puts what was set aside in the place of the data of a server that
	// does not run, which is set aside for it.
	BringBack(ctx context.Context, name, server, where string) error
}

// FillTrier is a Filler that finds out beforehand, while nothing is stopped, whether all
// servers of a cluster can be filled.
type FillTrier interface {
	TryFill(ctx context.Context, want *cluster.Cluster) error
}
