package etcdctr

import (
	"github.com/etcdctr/etcdctr/certs"
)

// Event is something that was done, or that whoever asked for it should know.
// Of fields that do not belong together one is set.
type Event struct {
	// Certificates were seen to, in the folder Place.
	Certificates *certs.Report
	Place        string
	// Token is the file of a discovery token that was made.
	Token string
	// Warning is what may surprise. With Instead it is why a runtime that would
	// come first can't be used, and Instead is the one that is.
	Warning error
	Instead string
	// Waiting tells that another program is changing the cluster, and is waited
	// for.
	Waiting bool
}
