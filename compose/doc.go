// Package compose renders a cluster as a Compose project and as environment files.
package compose
