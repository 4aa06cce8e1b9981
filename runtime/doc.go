// Package runtime says what it takes to run a cluster's servers, whatever runs
// them: the packages below it do, each in its own way.
//
// A server is a process of etcd: a member, or a service that members need for
// finding each other. A Runtime can look at servers and start, stop, change and
// remove them. It decides nothing: which server comes next, what may be stopped
// and what is refused is the business of package converge, which asks a running
// etcd through package member. So a Runtime never waits for etcd to serve, and
// knows no quorum.
//
//	Place ──▶ cluster.Cluster ──┐
//	                            ├──▶ Changes ──▶ Prepare, Stop, Apply
//	Observe ──▶ State ──────────┘
//
// Every method looks at what is there and does what is missing: called again
// after it was killed half-way, it finishes. What it did not make it leaves
// alone, and names it in State.Others.
//
// The contract is tested by one suite, runtime/runtimetest, that runs on every
// Runtime with hands of its own: all but hosts, where somebody else does what is
// said, so that nothing changes by a call alone.
package runtime
