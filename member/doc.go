// Package member asks and changes a running etcd cluster, and is the only
// package that does.
//
// A Client knows the members by name and how to reach them; it holds one
// connection to each. Look asks all of them and gives a View: plain values, off
// which pure methods read who leads, who serves, who is behind and what keeps
// the cluster from being steady. Changes (AddLearner, Promote, Remove,
// UpdatePeers, MoveLeader, Downgrade…) can be called again after a run that was
// cut off: what is done already is no error.
//
// Two habits of etcd shape the package. It says that a change has succeeded when
// it has noted it down, so what a change is meant to bring about is waited for,
// by looking. And a member without a quorum accepts connections and answers
// nothing, for ever, so nothing here is asked without an end to its patience.
package member
