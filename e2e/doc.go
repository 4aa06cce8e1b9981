// Package e2e starts real etcd clusters for tests, in containers, from the
// same description as everything else in this module.
//
//	func TestOrders(t *testing.T) {
//		etcd := e2e.Start(t)
//		app := orders.New(etcd.Client)
//		…
//	}
//
// That is three members with mutual TLS, each of which has answered a
// linearizable read before Start returns, and nothing is left of them when the
// test ends. A failed test shows the members' logs. Run does the same for
// programs without a testing.TB.
//
// A cluster is described by a cluster.Spec, as a cluster file is, and three
// things are the fixture's own:
//
//   - The profile is ci unless the spec names another, but data is on volumes,
//     so that a member that is stopped finds its data again.
//   - Client ports are published, on free ports of 127.0.0.1 that a member
//     keeps over a restart. With an engine elsewhere they are published on
//     all of its addresses, and the certificates are for its name too.
//   - Names are unique, so that tests run in parallel, and in several
//     processes, without meeting; WithReuseByName is for those that want to.
//
// The containers, networks and volumes follow testcontainers' conventions:
// they carry its labels, its reaper removes them when it is on, images are
// pulled and substituted as it is configured to, and its log goes to the
// test's.
//
// With the build tag e2e, the folder is also the module's end-to-end suite.
package e2e
