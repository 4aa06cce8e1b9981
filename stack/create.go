package stack

// creation is all that a container is created from.
type creation struct{}
