//go:build !unix

package atomicdir

// syncPath does nothing: Windows syncs no directory, and a file only through
// the handle that wrote it.
func syncPath(string) error { return nil }
