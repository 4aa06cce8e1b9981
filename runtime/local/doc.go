// Package local runs the servers of clusters as processes of this machine.
//
// It stands on package process, whose supervisor keeps the processes: in the
// background, as another process of this program (see Programs), or, with
// Options.Foreground, within this one. What members need for finding each other
// is made of this program too: a DNS server, or an etcd as discovery service.
//
// A cluster has a folder of its own, Options.Folder/NAME: its description, its
// logs and, in a folder for each member, the data.
package local
