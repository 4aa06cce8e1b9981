package runtime

import (
	"context"

	"github.com/etcdctr/etcdctr/cluster"
)

// Exposer is a Runtime that can tell from where its servers are reached: what is
// published, listened on, and who is on their networks.
type Exposer interface {
	// Expose compares what want promises with what there is. Warnings are what no
	// comparison can tell.
	Expose(ctx context.Context, want *cluster.Cluster) (all []Exposure, warnings []string, err error)
}

// Exposure is one thing that was promised and looked at, in words that can be
// compared.
type Exposure struct {
	Subject        string // a server or a network
	Check          string
	Expected, Seen string
}

// Nothing is the word for an exposure that there is not.
const Nothing = "none"
