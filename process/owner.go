package process

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// This file keeps a stack from being started by somebody whose it is not.

// OwnerError is the error of starting a stack in the home of another user, as root does who
// may write there: what its members write would be that one's, and whose the home is could
// neither read it nor start them again.
type OwnerError struct {
	Dir          string
	Owner, Maker string // users, by name or number
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s belongs to %s, and what its members write would be %s's", e.Dir, e.Owner, e.Maker)
}

// CheckOwner is an *OwnerError where what is made in the home belongs to another one than
// the home. What can't be found out is no error.
func (h Home) CheckOwner() error {
	home, err := os.Stat(h.Dir)
	if err != nil {
		return nil //nolint:nilerr // it is made by who starts the stack
	}
	owner, known := ownerOf(home)
	if !known || owner == os.Geteuid() {
		return nil
	}
	f, err := os.CreateTemp(h.Dir, ".owner") // some file systems know one owner for all
	if err != nil {
		return nil //nolint:nilerr // whoever has to write there will tell
	}
	defer os.Remove(f.Name())
	defer f.Close()
	made, err := f.Stat()
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	if maker, _ := ownerOf(made); maker != owner {
		return &OwnerError{h.Dir, userName(owner), userName(maker)}
	}
	return nil
}

func userName(id int) string {
	if u, err := user.LookupId(strconv.Itoa(id)); err == nil {
		return u.Username
	}
	return strconv.Itoa(id)
}

// handOver gives a file that root has written to whose the home is: root may put a stack in
// order that is another's.
func (h Home) handOver(path string) error {
	info, err := os.Stat(h.Dir)
	if err != nil {
		return err
	}
	if owner, known := ownerOf(info); known && os.Geteuid() == 0 && owner != 0 {
		return os.Chown(path, owner, -1)
	}
	return nil
}
