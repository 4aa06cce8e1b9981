// Package lint says what is wrong with a description of an etcd that somebody
// else wrote, and puts it right.
//
// Read turns files into Stacks: what runs together, with its members, whatever
// the form. It finds a member by what it runs, by its image or by its
// environment, and keeps for each setting where it is written. A Rule is a check
// of a Stack, a pure function; the table of rules is the whole of what lint
// knows, and docs/lint.md is made of it. Fix changes the bytes of a file where a
// finding has a remedy that needs no decision.
//
// What etcd's releases know comes from package cluster, by which etcdctr's own
// descriptions are made.
package lint
