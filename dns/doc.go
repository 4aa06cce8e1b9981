// Package dns puts the records that a cluster bootstraps by where DNS servers
// read them, asks a server whether it has them, and serves them itself where
// the members are processes of one machine.
//
// etcd's members look up SRV records at their first start, then the addresses
// of the targets. A target without an address, or one record too few or too
// many, gives members different ideas of their cluster; they then serve
// different clusters, without a word to anyone. So the records have to be
// complete, and exactly those, before the first member starts: Check tells.
package dns
