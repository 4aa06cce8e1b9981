package hosts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
}

func (r *Runtime) noteFile() string {
	return filepath.Join(r.o.Output, r.o.Spec.ClusterName()+".json")
}

func (r *Runtime) read() (note, error) {
	data, err := os.ReadFile(r.noteFile())
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
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = outfile.Write(r.noteFile(), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot note what was handed over to the machines: %w", err)
	}
	return nil
}
