// Package architecture holds the tree to what is said of all of it: who imports what,
// what the released API keeps, which releases, tests, packages and places of changes
// its pages name.
//
// The import rules stand in .golangci.yml, where depguard shows them to an editor;
// read from there, they fail `make unit` too, on a machine without a linter.
package architecture
