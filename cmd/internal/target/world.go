// Package target is the cluster that a command line is about: the flags that describe one
// or find it, that cluster with all it takes to work on it, and what is said to a person
// while it is changed.
package target

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/images"
)

// World is what a command runs in. Tests have their own.
type World struct {
	*terminal.Console
	Random  io.Reader
	Further int    // than etcd's usual ports processes are
	Version string // of this program
	Carried []byte // the program for images that it has with it, compressed
}

// ThisProgram is its file.
func ThisProgram() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find this program's file: %w", err)
	}
	return file, nil
}

// Self gives the programs for images that this one has with it, whatever it runs on
// itself.
func (w *World) Self() (images.Self, error) {
	file, err := ThisProgram()
	return images.Self{File: file, Carried: w.Carried}, err
}

// PKI are the certificates in a folder.
func (w *World) PKI(dir string) *certs.PKI {
	return &certs.PKI{Dir: dir, Now: w.Now, Random: w.Random}
}

// SayReport says what an operation on certificates did.
func (w *World) SayReport(dir string, report certs.Report) {
	w.Say("certificates in %s: %s", dir, report)
}

// SayDone is SayReport of an operation that may have failed.
func (w *World) SayDone(dir string, report certs.Report, err error) error {
	if err == nil {
		w.SayReport(dir, report)
	}
	return CertsError(dir, err)
}

// SayLeft says what helps against certificates of those that are no members any more.
func (w *World) SayLeft(members []string) {
	if remark := certs.LeftRemark(members); remark != "" {
		w.Say("%s", remark)
	}
}

// sayOldCopies says which members have other certificates on their machines than are here.
func (w *World) sayOldCopies(members []string) {
	if len(members) > 0 {
		w.Say("%s: what is on the machine is other certificates than here: `etcdctr up` brings these there, without a restart", strings.Join(members, ", "))
	}
}

// sayOldArchives is sayOldCopies of members to whose machines somebody takes the files.
func (w *World) sayOldArchives(members []string) {
	if len(members) > 0 {
		w.Say("%s: shows another certificate than is here: `etcdctr bundle` packs these, and unpacked over the folder on its machine they are shown without a restart, "+
			"with systemd once they are copied as the README in them says", strings.Join(members, ", "))
	}
}

// sayOldFiles is sayOldCopies of members that keep what they were made with.
func (w *World) sayOldFiles(members []string) {
	if len(members) > 0 {
		w.Say("%s: has other certificates than are here: `etcdctr up` makes them anew with these, one after the other", strings.Join(members, ", "))
	}
}

// CertsError says which folder an error of the PKI is about.
func CertsError(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("certificates in %s: %w", dir, err)
}

// EtcdFor is the etcd that carries out a log: the one that is given, or this program.
func EtcdFor(given string) (backup.Program, error) {
	if given != "" {
		return backup.Program{Path: given, Given: true}, nil
	}
	self, err := ThisProgram()
	return backup.Program{Path: self}, err
}

// CloseWay ends a way to members. What is left behind all the same is said, and does not
// change what the command has found out.
func (w *World) CloseWay(way *etcdctr.Connection) {
	if err := way.Close(); err != nil {
		w.Warn("the way to the members is not closed properly: %v", err)
	}
}
