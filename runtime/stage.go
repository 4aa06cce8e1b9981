package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
)

// Stager is a Filler that makes the data of all servers before that of any takes its
// place. What is made and has not taken its place yet tells, as long as it is there,
// that a restoration was not finished: no other note is kept of it.
type Stager interface {
	// Stage puts what was made to be the data directory of a server that does not run
	// beside what the server has, of which nothing is touched, and makes what the data is
	// kept in where there is nothing yet. What has not all arrived is no staged data, and
	// what was staged before is replaced. It is called for several servers at the same
	// time.
	Stage(ctx context.Context, want *cluster.Cluster, server string, by Restoration, made Made) error
	// Exchange puts what was staged in the place of the data of a server that does not
	// run, which is set aside; where is "" if there was none.
	Exchange(ctx context.Context, want *cluster.Cluster, server string) (where string, err error)
	// Retract is the reverse: what Exchange has put in its place is staged again, and
	// what was set aside takes the place; "" leaves the server without data. It goes on
	// where another call of it was ended.
	Retract(ctx context.Context, name, server, where string) error
	// Unstage deletes what was staged, if anything.
	Unstage(ctx context.Context, name, server string) error
	// Staged tells who has staged data that has not taken its place, nil for nobody.
	Staged(ctx context.Context, name, server string) (*Restoration, error)
	// MadeBy tells who has made the data that a server has; nil where it was no restoration.
	MadeBy(ctx context.Context, name, server string) (*Restoration, error)
	// Remark notes anew who has made the data that a server has that does not run.
	Remark(ctx context.Context, name, server string, by Restoration) error
	// AsideMadeBy tells the same of data that was set aside.
	AsideMadeBy(ctx context.Context, name, server, where string) (*Restoration, error)
}

// Made is what was made on this machine to be a server's data directory.
type Made struct {
	// Dir is a folder with all of it but the database, for this server alone: it may be
	// taken away.
	Dir string
	// Database is the file that is to be member/snap/db in it. Nobody writes to it: other
	// servers are given the same one.
	Database string
	// Own says that this server is the only one that may be given the file itself, and no
	// copy of it.
	Own bool
}

// Restoration is what makes data for the servers of a cluster.
type Restoration struct {
	ID string `json:"id"`
	// Number counts a cluster's restorations: the last has the greatest.
	Number int `json:"number,omitempty"`
	// TakenBack is the number of a later one that was not finished and not brought to its
	// end; 0 for none.
	TakenBack int `json:"takenBack,omitempty"`
	// Over are the servers that had data before.
	Over []string `json:"over,omitempty"`
	// For are the servers that it makes data for: of others that had data it leaves none.
	// Marks of earlier releases do not have it.
	For []string `json:"for,omitempty"`
	// Asides is how often data of each of these had been set aside before, and not deleted.
	Asides map[string]int `json:"asides,omitempty"`
	// Again is the command that goes on with it where it was not finished, as arguments
	// of etcdctr.
	Again []string `json:"again,omitempty"`
}

// MarkFile is where a Restoration is noted in a data directory that it has made, as JSON.
// etcd does not look at it.
const MarkFile = "member/restoration"

// Mark is what stands in MarkFile.
func (r Restoration) Mark() ([]byte, error) { return json.Marshal(r) }

// ReadMark reads what Mark has written.
func ReadMark(data []byte) (*Restoration, error) {
	r := new(Restoration)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read by which restoration data was made, in %s: %w", path.Base(MarkFile), err)
	}
	return r, nil
}

// WithRestoring gives a state with what was staged of its members, where the runtime can
// tell: see Server.Restoring. Of members whose machines do not answer nothing is known.
func WithRestoring(ctx context.Context, r Runtime, have *State) (*State, error) {
	s, ok := r.(Stager)
	if !ok || have == nil {
		return have, nil
	}
	seen := *have
	seen.Servers = slices.Clone(have.Servers)
	var members []*Server
	for i := range seen.Servers {
		if m := &seen.Servers[i]; m.Role == Member && m.Status != Away {
			members = append(members, m)
		}
	}
	err := Together(members, func(m *Server) (err error) {
		m.Restoring, err = s.Staged(ctx, have.Name, m.Name)
		return err
	})
	return &seen, err
}
