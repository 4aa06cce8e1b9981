package main

import (
	"github.com/etcdctr/etcdctr"
)

// This file is the way to members that run.

// closeWay ends a way. What is left behind all the same is said, and does not
// change what the command has found out.
func (a *app) closeWay(way *etcdctr.Connection) {
	if err := way.Close(); err != nil {
		a.warn("the way to the members is not closed properly: %v", err)
	}
}
