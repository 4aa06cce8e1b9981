//go:build unix

package main

import "syscall"

// keepOwnRights has the umask say who else may do what with a new file: one that takes
// something from whose the files are, as 0277 and 0777 do, would make files that nobody
// reads back, and folders that nobody enters.
func keepOwnRights() {
	const owner = 0o700
	umask := syscall.Umask(owner) // to ask is to set
	syscall.Umask(umask &^ owner)
}
