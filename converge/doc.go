// Package converge makes a running cluster what its description says, one safe
// step at a time.
//
// The decision is pure. A Situation holds everything that can be known at a
// moment: what is wanted, what the runtime has, what etcd says of itself. Next
// gives the one step that comes next, or none when the cluster is as wanted, or a
// Refusal with its reason and remedy. Every order, wait and refusal is there, once,
// for every runtime.
//
//	Situation ──▶ Next ──▶ Step ──▶ Hands: do it, and look again
//	     ▲                              │
//	     └──────────────────────────────┘
//
// Hands carries one step out and looks again: it never goes on from what it
// hoped for. So a run that was killed anywhere is finished by the next one, and
// what somebody else changed in the middle is simply seen. Plan folds Next over
// Situation.After, which tells how the world will look after a step: that
// forecast is what --dry-run prints.
//
// What Next never does:
//
//   - take the quorum from a cluster that has it: a member is touched only while
//     all others serve, or if it does not serve itself;
//   - delete data that was not named, or put away the last copy of anything;
//   - change the membership twice at a time;
//   - stop the leader before another one leads;
//   - replace a member for a setting that etcd reads at its first start only.
//
// The package knows no runtime and no engine, only their contract, package
// runtime.
package converge
