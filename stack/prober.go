package stack

import "context"

// Prober asks what runs in a container how it is.
type Prober interface {
	// Probe gives nil for a container that serves.
	Probe(context.Context, Container) error
	// Peers counts the others that a container which leads takes for present; it
	// is 0 once it leads no longer. The question must not be one that hangs
	// without a quorum.
	Peers(context.Context, Container) int
	// Leader names the service, among the containers of a quorum, that should
	// be stopped last; it is empty when none of them leads or all are silent.
	Leader(context.Context, []Container) string
}
