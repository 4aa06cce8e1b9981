//go:build !carry

package main

// carriedProgram is not there: an etcdctr that `go build` or `go install` made
// without further ado is packed into images itself.
var carriedProgram []byte
