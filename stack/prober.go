package stack

import "context"

// Prober asks what runs in a container how it is.
type Prober interface {
	// Probe gives nil for a container that serves.
	Probe(context.Context, Container) error
	// Listens reports whether a container still takes requests. It must not
	// make one that could hang.
	Listens(context.Context, Container) bool
	// Leader names the service, among the containers of a quorum, that should
	// be stopped last; it is empty when none of them leads or all are silent.
	Leader(context.Context, []Container) string
}
