// Package fleet runs members on machines of their own, each with an engine that is
// reached from here: several runtimes of one machine, seen as one.
//
// What a machine runs is the cluster with its own member only, as it would be by
// hand: see cluster.Cluster.Only. Every question is put to all machines at the same
// time, and a machine that does not answer in time is one member away: its server is
// runtime.Away, the others are told of as ever, and what cannot be done without it is
// an error that names it. Nothing waits for a machine longer than that, also not one
// whose power goes while it works.
//
// Where members are stands in the description. Where they have been stands in a note
// beside it: a member whose machine is another one by now is two servers until it has
// moved, the wanted one, and the one that was, under the name member@address. To
// package converge that is one member more and one that is not wanted any more, so
// the new one joins before the old one leaves.
//
// The package knows no engine. Whoever makes a Runtime hands it the way to one.
package fleet
