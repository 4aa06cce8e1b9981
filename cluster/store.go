package cluster

import (
	"path"
	"regexp"
	"strings"
)

// Store is what a member's data is kept in that somebody else has made, and that is
// not deleted with the cluster: a folder of the machine or a volume of the engine.
// The data is one level below, as in the cluster's own volumes.
type Store struct {
	Folder string // absolute, with slashes
	Volume string
}

// Given tells whether there is one: otherwise the cluster makes its own.
func (s Store) Given() bool { return s != Store{} }

func (s Store) String() string {
	if s.Volume != "" {
		return "the volume " + s.Volume
	}
	return s.Folder
}

// Place is the folder or the volume's name.
func (s Store) Place() string { return or(s.Volume, s.Folder) }

var (
	volumeNames = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`) // Docker's own rule
	drive       = regexp.MustCompile(`^[a-zA-Z]:[/\\]`)
)

// store reads the key data of a member.
func (r *resolver) store(at, value string, data Data) Store {
	at += ".data"
	folder := path.Clean(value)
	if drive.MatchString(value) {
		folder = path.Clean(strings.ReplaceAll(value, `\`, "/"))
	}
	switch {
	case value == "":
	case value == string(Volume) || value == string(Memory):
		r.report(at, "%s is for all members: write data: %[1]s at the top level, and here a folder or a volume's name", value)
	case data == Memory:
		r.report(at, "has no effect with data: memory: leave one of the two out")
	case strings.HasPrefix(value, "/") && folder != "/", drive.MatchString(value):
		return Store{Folder: folder}
	case volumeNames.MatchString(value):
		return Store{Volume: value}
	default:
		r.report(at, "must be an absolute folder such as /srv/etcd1, or the name of a volume, not %q", value)
	}
	return Store{}
}

// ownStore refuses what two members would write into, and volumes where there are
// none.
func (r *resolver) ownStore(at string, m Member, others []Member) {
	at += ".data"
	if m.Store.Volume != "" && !m.Place.Contained {
		r.report(at, "%q is the name of a volume, which only containers have: give an absolute folder, such as /srv/%s", m.Store.Volume, m.Name)
	}
	for _, o := range others {
		if !m.Store.Given() || !o.Store.Given() || m.Host != o.Host {
			continue
		}
		if m.Store == o.Store || within(m.Store.Folder, o.Store.Folder) || within(o.Store.Folder, m.Store.Folder) {
			r.report(at, "%s is where the data of %s is: give each member its own", m.Store, o.Name)
		}
	}
}

func within(folder, other string) bool {
	return folder != "" && other != "" && strings.HasPrefix(folder+"/", other+"/")
}
