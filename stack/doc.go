// Package stack runs a Compose project on a Docker Engine.
package stack
