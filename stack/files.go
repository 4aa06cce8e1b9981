package stack

// transfer is a set of local files on their way into a volume.
type transfer struct{}
