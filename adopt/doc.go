// Package adopt lets a cluster take over the members that something else has
// started: a Compose file from a blog, single containers, processes, the data
// folder that is left of one.
//
//	lint.Read ──▶ Stack ──Describe──▶ cluster.Spec, with its key adopts
//	                │                      │ want
//	                └──── Runtime ─────────┴──▶ converge
//
// A Runtime is what runs the cluster's own members, and has the members that are
// to be adopted among its servers: package converge lets new members join, moves
// the leadership, removes the old ones or puts their data into new servers, as it
// does with members that are its own, one at a time and with the quorum kept. So
// all that looks at a cluster works on one that is described and not yet adopted.
//
// Choose says which of the ways there are. Where no member can be moved while the
// others serve, Copy makes new ones of what the old ones hold.
//
// Nothing of the old members is deleted: they are stopped, kept from starting
// anew, and stay until Forget.
package adopt
