// Package architecture holds the tree to its import rules.
//
// The rules stand in .golangci.yml, where depguard shows them to an editor;
// read from there, they fail `make unit` too, on a machine without a linter.
package architecture
