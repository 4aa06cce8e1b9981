package backup

import (
	"errors"
	"fmt"
)

// What can be wrong with an archive, to be compared by errors.Is.
var (
	ErrNoArchive  = errors.New("it is neither a backup of etcdctr's nor a snapshot of etcd's")
	ErrByteOrder  = errors.New("it is a snapshot of a machine with the other byte order, such as s390x, and etcd reads it on such a machine only: make a member there, and `etcdctl make-mirror` to here")
	ErrIncomplete = errors.New("it is not whole: the end is missing")
	ErrDamaged    = errors.New("it is damaged")
	ErrExists     = errors.New("it is there already, and a backup replaces nothing")
	ErrPassphrase = errors.New("the passphrase is not the one that the keys were encrypted with")
)

// NoFolderError is the error of a backup for a folder that is not there.
type NoFolderError struct{ Dir string }

func (e *NoFolderError) Error() string {
	return fmt.Sprintf("cannot make a backup in %s: there is no such folder", e.Dir)
}
