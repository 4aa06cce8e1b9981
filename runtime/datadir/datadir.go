// Package datadir looks at the folder or volume that somebody gives a member for
// its data, before anything is started on it: whether it can be written into and
// is kept, and whose data is in it already.
//
// At looks where it runs: on this machine, or in a container that sees what the
// member is going to see. Check, which judges, runs anywhere.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// Name is the folder in it that is etcd's data directory.
const Name = "data"

// Look is what a folder is found to be.
type Look struct {
	Missing    bool        `json:"missing,omitempty"`
	File       bool        `json:"file,omitempty"` // it is no folder
	FileSystem string      `json:"fileSystem,omitempty"`
	Owner      string      `json:"owner,omitempty"` // user and group, as numbers
	Mode       fs.FileMode `json:"mode,omitempty"`
	Closed     string      `json:"closed,omitempty"` // why nothing can be written into it
	// Root is who root of where it was looked is outside of there, user and group as
	// numbers: somebody else than root in a user namespace.
	Root string `json:"root,omitempty"`
	// Above tells that data is at its top, where other programs than this have it.
	Above bool `json:"above,omitempty"`
	// Data tells that etcd would go on from what is there.
	Data bool `json:"data,omitempty"`
	// Used tells that a member runs on it.
	Used    bool     `json:"used,omitempty"`
	Damaged string   `json:"damaged,omitempty"` // why the data can't be read
	Cluster string   `json:"cluster,omitempty"`
	Member  Member   `json:"member"` // whose data it is; its ID alone if the data does not tell more
	Members []string `json:"members,omitempty"`
	// Blank tells that the database knows no member that has ever served: etcd has begun it, and
	// no cluster came of it, or it never got what one has.
	Blank  bool     `json:"blank,omitempty"`
	Others []string `json:"others,omitempty"` // what is there that is not etcd's
}

// Member is one of the cluster whose data is there.
type Member struct {
	ID       string   `json:"id,omitempty"`
	Name     string   `json:"name,omitempty"`
	PeerURLs []string `json:"peerURLs,omitempty"`
}

// At looks at a folder. It changes nothing that stays.
func At(dir string) (Look, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Look{Missing: true}, nil
	case err != nil:
		return Look{}, fmt.Errorf("look at the folder for the data: %w", err)
	case !info.IsDir():
		return Look{File: true}, nil
	}
	l := Look{FileSystem: fileSystem(dir), Owner: owner(info), Mode: info.Mode()}
	l.Closed, l.Root = closed(dir), root()
	entries, err := os.ReadDir(dir)
	if l.Closed != "" && errors.Is(err, fs.ErrPermission) {
		return l, nil // which is all that there is to be said
	}
	if err != nil {
		return l, fmt.Errorf("look at the folder for the data: %w", err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "member":
			l.Above = true
		case name != Name && !strings.HasPrefix(name, Name+".") && name != "lost+found" && !strings.HasPrefix(name, "."):
			l.Others = append(l.Others, name)
		}
	}
	return l, l.identify(filepath.Join(dir, Name))
}

// Of looks whose data is in a data directory, and at nothing around it. It changes nothing.
func Of(dir string) (Look, error) {
	var l Look
	err := l.identify(dir)
	return l, err
}

// closed tells why nothing can be written into a folder; empty if it can.
func closed(dir string) string {
	f, err := os.CreateTemp(dir, Name+".try-")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return strings.TrimPrefix(err.Error(), "open ")
	}
	return ""
}

// losing are file systems that forget, and faraway those of other machines.
var (
	losing  = []string{"tmpfs", "ramfs"}
	faraway = []string{"nfs", "cifs", "smb2", "9p", "vboxsf"}
)

// Wanted is the member that is to have its data there.
type Wanted struct {
	Name, PeerURL string
	Alone         bool // the cluster has no other member
}

// Check tells why a member can't have its data in what was looked at, which is
// called where, and what to do about it.
func (l Look) Check(where string, m Wanted) error {
	return check(where, m, l.place, l.content, l.identity)
}

// CheckContent is Check for a place that is as it has to be.
func (l Look) CheckContent(where string, m Wanted) error {
	return check(where, m, l.content, l.identity)
}

func check(where string, m Wanted, checks ...func(Wanted) string) error {
	for _, check := range checks {
		if problem := check(m); problem != "" {
			return fmt.Errorf("the data of %s can't be in %s: %s", m.Name, where, problem)
		}
	}
	return nil
}

// place judges what it is.
func (l Look) place(Wanted) string {
	const others = 0o002
	switch {
	case l.Missing:
		return "it is not there: make it, or mount the disk that it is on; nothing is made up in its place"
	case l.File:
		return "it is no folder"
	case slices.Contains(losing, l.FileSystem):
		return "it is on " + l.FileSystem + ", which is gone when the machine starts anew: take a folder of a disk, or say data: memory for all members"
	case slices.Contains(faraway, l.FileSystem):
		return "it is on " + l.FileSystem + ", where etcd can rely neither on its locks nor on what is written: take a folder of a disk of the machine"
	case l.Closed != "":
		return fmt.Sprintf("nothing can be written into it (%s; it belongs to %s, mode %#o): give it to whom etcd runs as, by chown and chmod 0700", l.Closed, l.Owner, l.Mode.Perm())
	case l.Mode.Perm()&others != 0 && l.Mode&fs.ModeSticky == 0:
		return fmt.Sprintf("everybody can write into it (mode %#o): chmod 0700 closes it", l.Mode.Perm())
	}
	return ""
}

// content judges what is in it besides data of the member's.
func (l Look) content(m Wanted) string {
	const most = 3
	switch {
	case l.Used:
		return "another etcd runs on it: stop that first"
	case l.Above && l.Data:
		return "there is data of etcd in it twice, in member and in " + Name + "/member: move away what is not wanted"
	case l.Above:
		return fmt.Sprintf("it has data of etcd at its top, and etcdctr keeps it in the folder %[1]s of it: if it is that of %[2]s, make %[1]s there with mode 0700 and move the folder member into it, with etcd stopped; or `etcdctr adopt` takes it over", Name, m.Name)
	case len(l.Others) > 0 && !l.Data:
		return fmt.Sprintf("there is something else in it (%s): take an empty folder", strings.Join(l.Others[:min(most, len(l.Others))], ", "))
	}
	return ""
}

// identity judges whose data it is.
func (l Look) identity(m Wanted) string {
	switch {
	case !l.Data:
		return ""
	case l.Damaged != "":
		return fmt.Sprintf("the data in it can't be read (%s): `etcdctr restore` makes members of a backup, in empty folders", l.Damaged)
	case l.Member.Name != "" && l.Member.Name != m.Name:
		return fmt.Sprintf("it has the data of a member %s: call the member that, or give it another folder", l.Member.Name)
	case !m.Alone && len(l.Member.PeerURLs) > 0 && !slices.Contains(l.Member.PeerURLs, m.PeerURL):
		return fmt.Sprintf("its data is of a member that the others know at %s, and it is to be at %s: keep tls, the name and the ports as they were, or have `etcdctr adopt` or `etcdctr restore` make new members of it",
			listed.And(l.Member.PeerURLs), m.PeerURL)
	}
	return ""
}

// One is what was looked at for a member.
type One struct {
	Look
	Member, Where string
}

// Together tells why members that are to be started for the first time, all of
// them, can't be one cluster with what is there: some with data beside some without
// would be two clusters, or one that has forgotten what it voted.
func Together(all []One) error {
	var with, without []string
	clusters := map[string]string{}
	for _, one := range all {
		if !one.Data {
			without = append(without, one.Member)
			continue
		}
		with = append(with, one.Member)
		if one.Cluster != "" {
			clusters[one.Cluster] = one.Member
		}
	}
	switch {
	case len(clusters) > 1:
		return fmt.Errorf("the data of %s is of %d clusters: name folders and volumes of one", strings.Join(with, ", "), len(clusters))
	case len(with) > 0 && len(without) > 0:
		return fmt.Errorf("there is data of %s and none of %s: one that has lost its data must not be founded anew beside the others; describe those that have theirs, start them, and add the rest",
			strings.Join(with, ", "), strings.Join(without, ", "))
	}
	return nil
}
