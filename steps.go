package etcdctr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/converge"
)

// This file writes the steps of changes down as they are taken, so that who looks at
// the cluster in another program sees them too. A cluster is changed by whoever has
// its lock: one at a time writes.

// StepNote is a step of a change that was begun or has failed.
type StepNote struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // of converge
	Servers []string  `json:"servers,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Failure string    `json:"failure,omitempty"` // why it has failed; empty when it begins
}

// mostSteps is how large the file may grow before it begins anew, in bytes.
const mostSteps = 1 << 20

// stepsFile is where the cluster's steps are written down; empty for nowhere.
// Processes of one name may be there in several folders.
func (c *Cluster) stepsFile() string {
	if c.o.StepsDir == "" {
		return ""
	}
	name := filepath.Base(filepath.Clean("/" + c.spec.ClusterName()))
	where := sha256.Sum256([]byte(c.o.StepsOf(c.runtime)))
	return filepath.Join(c.o.StepsDir, name+"-"+hex.EncodeToString(where[:8])+".jsonl")
}

// writeDown notes a step that begins or fails. What can't be written, nobody reads:
// the change goes on.
func (c *Cluster) writeDown(e converge.Event) {
	file := c.stepsFile()
	if file == "" || e.Kind != converge.Begins && (e.Kind != converge.Ends || e.Err == nil) {
		return
	}
	note := StepNote{At: e.At, Kind: string(e.Step.Kind), Servers: e.Step.Servers, Cause: e.Step.Cause}
	if e.Err != nil {
		note.Failure = e.Err.Error()
	}
	line, err := json.Marshal(note)
	if err != nil {
		return
	}
	how := os.O_APPEND
	if info, err := os.Stat(file); err == nil && info.Size() > mostSteps {
		how = os.O_TRUNC
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|how, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.Write(append(line, '\n'))
}

// forgetSteps takes away what was written down of a cluster that is gone.
func (c *Cluster) forgetSteps() {
	if file := c.stepsFile(); file != "" {
		_ = os.Remove(file) // or there is none
	}
}

// Steps are those that were written down after a moment, the oldest first.
func (c *Cluster) Steps(after time.Time) ([]StepNote, error) {
	data, err := os.ReadFile(c.stepsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var notes []StepNote
	for line := range bytes.Lines(data) {
		var note StepNote
		if json.Unmarshal(line, &note) == nil && note.At.After(after) { // one that is being written is read at the next look
			notes = append(notes, note)
		}
	}
	return notes, err
}

// String is the step for people, without its servers.
func (n StepNote) String() string {
	text := strings.TrimSuffix(n.Kind+": "+n.Cause, ": ")
	if n.Failure != "" {
		text += ": " + n.Failure
	}
	return text
}
