// Package compose renders a cluster as a Compose project, and its members'
// environments as files.
//
// Project fills compose-go's own types, so whatever Compose can say can be
// said here and nothing else. Marshal writes them the way a person would have:
// what the members share once, in a sensible order, with a comment where a
// value surprises. What Marshal returns has been read back by Compose's own
// loader and found to mean the same.
//
// The package is pure: it touches no file and no engine.
package compose
