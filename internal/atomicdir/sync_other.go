//go:build !unix

package atomicdir

// syncDir does nothing: Windows syncs no directory.
func syncDir(string) error { return nil }
