//go:build !unix

package main

// keepOwnRights has nothing to do: there is no umask.
func keepOwnRights() {}
