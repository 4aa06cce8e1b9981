package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// place is where a member is to be, or has been.
type place struct {
	name     string // what its server is called here: the member, or member@address
	member   string
	machine  *machine
	settings cluster.Settings // as far as is known without asking
	wanted   bool             // it is described
	left     bool             // what is there was to go while its machine did not answer
}

// been is a line of the note: a member that was, or was about to be, on a machine.
type been struct {
	Member   string           `json:"member"`
	Host     string           `json:"host"`
	Engine   string           `json:"engine"`
	Certs    string           `json:"engineCerts,omitempty"`
	Settings cluster.Settings `json:"settings"`
	// Left says that it was to go while the machine did not answer. It may run there
	// again once that does: nothing is said of it before, and then it is seen.
	Left bool `json:"left,omitempty"`
}

func (b been) at(member string, at cluster.Engine) bool {
	return b.Member == member && b.Engine == at.At
}

// places are those that the description has, and those where members have been.
func (r *Runtime) places(ctx context.Context) ([]place, error) {
	described, err := r.described()
	if err != nil {
		return nil, err
	}
	note, err := r.read()
	if err != nil {
		return nil, err
	}
	var all []place
	for _, m := range described {
		at, err := r.machine(m.Engine, m.Host.String())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		p := place{name: m.Name, member: m.Name, machine: at, settings: m.Settings, wanted: true}
		if i := slices.IndexFunc(note, func(b been) bool { return b.at(m.Name, m.Engine) }); i >= 0 {
			p.settings = note[i].Settings
		}
		if err := r.lend(ctx, m, at); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for _, b := range note {
		if p, ok := r.former(all, b); ok {
			all = append(all, p)
		}
	}
	for _, m := range machinesOf(all) {
		m.expect(slices.ContainsFunc(all, func(p place) bool { return p.machine == m && !p.left }))
	}
	return all, nil
}

// lend tells an engine where a member has data that somebody else has made: nothing
// there says whose it is while no container is.
func (r *Runtime) lend(ctx context.Context, m cluster.Member, at *machine) error {
	if !m.Store.Given() || at.lent {
		return nil
	}
	one := r.o.Spec
	one.Members.List = slices.DeleteFunc(slices.Clone(one.Members.List), func(s cluster.MemberSpec) bool { return s.Name != m.Name })
	_, err := at.engine.Place(ctx, one)
	at.lent = err == nil
	return err
}

// former is a place that the description does not have; false for one that it has.
func (r *Runtime) former(described []place, b been) (place, bool) {
	p := place{name: b.Member, member: b.Member, settings: b.Settings, left: b.Left}
	i := slices.IndexFunc(described, func(p place) bool { return p.wanted && p.member == b.Member })
	if i < 0 {
		p.machine = r.formerMachine(cluster.Engine{At: b.Engine, Certs: b.Certs}, b.Host)
		return p, true
	}
	now := described[i]
	if b.Engine == now.machine.at.At || b.Host == now.machine.host {
		return p, false // the same machine, which is reached otherwise, or where others reach it elsewhere
	}
	p.name = b.Member + "@" + b.Host
	p.machine = r.formerMachine(cluster.Engine{At: b.Engine, Certs: b.Certs}, b.Host)
	return p, true
}

// described are the members as the description has them.
func (r *Runtime) described() ([]cluster.Member, error) {
	c, err := cluster.Resolve(r.o.Spec.Tokened(), cluster.InContainers)
	if err != nil {
		return nil, err
	}
	return c.Members, nil
}

func (r *Runtime) noteFile() string {
	return filepath.Join(r.o.Notes, filepath.Base(filepath.Clean("/"+r.o.Spec.ClusterName()))+".json")
}

func (r *Runtime) read() ([]been, error) {
	data, err := os.ReadFile(r.noteFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var note []been
	if err == nil {
		err = json.Unmarshal(data, &note)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read where the members have been: %w", err)
	}
	return note, nil
}

// edit changes the note. An empty one is none.
func (r *Runtime) edit(change func([]been) []been) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, err := r.read()
	if err != nil {
		return err
	}
	note := change(slices.Clone(was))
	if len(note) == 0 {
		if err := os.Remove(r.noteFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_ = os.Remove(r.o.Notes) // its folder, unless it holds another one
		return nil
	}
	data, err := json.MarshalIndent(note, "", "  ")
	if err == nil {
		err = os.MkdirAll(r.o.Notes, 0o755)
	}
	if err == nil {
		err = outfile.Write(r.noteFile(), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot note where the members are: %w", err)
	}
	return nil
}

// remember notes members before anything of them is made.
func (r *Runtime) remember(members []cluster.Member) error {
	return r.edit(func(note []been) []been {
		for _, m := range members {
			b := been{Member: m.Name, Host: m.Host.String(), Engine: m.Engine.At, Certs: m.Engine.Certs, Settings: m.Settings}
			same := func(x been) bool { return x.at(m.Name, m.Engine) || x.Member == m.Name && x.Host == b.Host }
			note = append(slices.DeleteFunc(note, same), b)
		}
		return note
	})
}

// forget drops places from the note.
func (r *Runtime) forget(places ...place) error {
	return r.edit(func(note []been) []been {
		return slices.DeleteFunc(note, func(b been) bool { return b.among(places) })
	})
}

// leave notes of places that what is there was to go.
func (r *Runtime) leave(places ...place) error {
	return r.edit(func(note []been) []been {
		for i := range note {
			note[i].Left = note[i].Left || note[i].among(places)
		}
		return note
	})
}

func (b been) among(places []place) bool {
	return slices.ContainsFunc(places, func(p place) bool { return b.at(p.member, p.machine.at) })
}
