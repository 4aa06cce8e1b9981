package etcdctr

import (
	"github.com/etcdctr/etcdctr/certs"
)

// Event is something that was done, or that whoever asked for it should know.
// One of its fields is set.
type Event struct {
	// Certificates were seen to, in the folder Place.
	Certificates *certs.Report
	Place        string
	// Token is the file of a discovery token that was made.
	Token string
	// Warning is what may surprise.
	Warning error
	// Waiting tells that another program is changing the cluster, and is waited
	// for.
	Waiting bool
}
