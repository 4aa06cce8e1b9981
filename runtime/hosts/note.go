package hosts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// note is what was handed over, by server.
type note map[string]handed

// handed is what a machine runs, as far as it was seen to have started it.
type handed struct {
	Settings cluster.Settings `json:"settings"`
	Host     string           `json:"host"`
	Digest   string           `json:"digest"` // of the archive
	// Runs is that of what the member is started by; empty where a release wrote it that
	// knew the whole archive only.
	Runs string `json:"runs,omitempty"`
}

func noteFile(output, name string) string { return filepath.Join(output, name+".json") }

// Handed gives the settings by which the members of a cluster were started whose
// machines have been seen to run what is in output; none of one that was only bundled.
func Handed(output, name string) (map[string]cluster.Settings, error) {
	n, err := read(noteFile(output, name))
	all := map[string]cluster.Settings{}
	for server, is := range n {
		all[server] = is.Settings
	}
	return all, err
}

// Keep notes what members are started by that a release has handed over which knew the whole
// archive only, before another archive takes its place.
func Keep(output, name string) error {
	n, err := read(noteFile(output, name))
	if err != nil {
		return err
	}
	changed := false
	for server, is := range n {
		if runs := is.derived(archiveFile(output, name, server)); is.Runs == "" && runs != "" {
			is.Runs, changed = runs, true
			n[server] = is
		}
	}
	if !changed {
		return nil
	}
	return n.write(noteFile(output, name))
}

// derived is the digest of what the archive starts that was handed over, as long as that is
// where it was written; empty where it is not.
func (is handed) derived(archive string) string {
	data, err := os.ReadFile(archive)
	if err != nil || digest(data) != is.Digest {
		return ""
	}
	runs, err := bundle.RunsIn(data)
	if err != nil {
		return ""
	}
	return digest(runs)
}

func archiveFile(output, name, server string) string {
	return filepath.Join(output, cluster.UnitName(name, server)+".tar.gz")
}

func (r *Runtime) noteFile() string { return noteFile(r.o.Output, r.o.Spec.ClusterName()) }

func (r *Runtime) read() (note, error) { return read(r.noteFile()) }

func read(file string) (note, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return note{}, nil
	}
	n := note{}
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was handed over to the machines: %w", err)
	}
	return n, nil
}

// edit changes the note.
func (r *Runtime) edit(change func(note)) error {
	n, err := r.read()
	if err != nil {
		return err
	}
	change(n)
	return n.write(r.noteFile())
}

func (n note) write(file string) error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = outfile.Write(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot note what was handed over to the machines: %w", err)
	}
	return nil
}
