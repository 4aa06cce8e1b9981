// Package docker runs clusters as containers of a Docker Engine.
//
// It stands on package compose, which says what a cluster is as a Compose
// project, and on package stack, which brings a project about on an engine. What
// it adds is the meaning: which container is which server, what a server was
// started with, and what is different about it.
//
//	cluster.Cluster ──▶ compose.Project ──▶ stack.Wanted ──┐
//	       ▲                                               ├──▶ stack.Plan
//	       └── settings of what runs ◀── stack.State ◀─────┘
//
// A member that has been started keeps the settings that it was founded by
// (see cluster.Cluster.AsStarted), so that the members that come and go after it
// change nothing about its container, for Docker Compose neither.
//
// Nothing here prints, reads the environment or asks for credentials: whoever
// makes a Runtime hands it all that.
package docker
