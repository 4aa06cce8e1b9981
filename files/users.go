package files

import (
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
)

// warnOfUsers tells that etcd begins without users whoever starts it: a file can't say
// them, and until they are made every client may do everything.
func warnOfUsers(c *cluster.Cluster, what, remedy string, warn func(error)) {
	if warn == nil || c.Auth == nil || !c.Auth.Enabled {
		return
	}
	warn(fmt.Errorf("auth: %s has no users in it: members that it starts let every client do everything, until %s", what, remedy))
}

// upMakesUsers ends warnOfUsers where `up` looks after members that something else started.
const upMakesUsers = "`etcdctr up` has made those of auth and turned them on"
