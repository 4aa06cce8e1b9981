//go:build !unix

package durable

// Dir does nothing: Windows syncs no directory.
func Dir(string) error { return nil }
