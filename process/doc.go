// Package process runs the members of a cluster as processes of this machine,
// for where there is no container engine.
//
// A Stack says what to run. A Home is the folder that one stack has to itself:
// what it runs (stack.json), how that is going (state.json), the members' logs
// and, as far as they are told so, their data. A supervisor, Home.Run, owns the
// home as long as it runs, with a lock that even a power cut releases. It starts
// the members as its children, starts those again that crash, later each time, but
// none whose data is gone since, and stops all of them in good order at its end:
//
//	Stack ──▶ Home.Run ──▶ services, then members ──▶ log/*.log
//	             ▲ │
//	             │ └──▶ state.json ──▶ Home.State
//	  Home.Stop, Start, Change, Shutdown
//
// Services are what members need for finding each other: they start before
// them, whoever runs the stack prepares them, and they stop after them.
//
// Members never outlive their supervisor. Where the system can be told to see
// to that (Linux), they die with it. Elsewhere the next look at the home finds
// them by their number and the time that they started at, and the next
// supervisor ends them before it begins.
//
// The package knows nothing of clusters, except how to ask etcd's metrics who
// leads: a leader that stops before its followers takes a second for the
// hand-over, and more when nobody is left to take over.
package process
