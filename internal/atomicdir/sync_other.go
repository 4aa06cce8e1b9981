//go:build !unix

package atomicdir

// syncDir does nothing: Windows cannot sync a directory and does not need to.
func syncDir(string) error { return nil }
