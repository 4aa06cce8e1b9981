//go:build unix

package certs

import (
	"io/fs"
	"syscall"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// ownerOf is who a file belongs to, nil where that is not known.
func ownerOf(info fs.FileInfo) *atomicdir.Owner {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return &atomicdir.Owner{UID: int(st.Uid), GID: int(st.Gid)}
	}
	return nil
}
