package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// Home is the folder of a stack.
type Home struct{ Dir string }

// ErrNoStack is the error of asking for a stack that is not there.
var ErrNoStack = errors.New("no stack here")

// RunningError is the error of starting a stack that runs already.
type RunningError struct {
	Name       string
	Supervisor ID
	// MovedFrom is where the home was when the supervisor started, if that was elsewhere:
	// it takes no orders then, and its members can make no file. Empty else.
	MovedFrom string
}

func (e *RunningError) Error() string {
	said := fmt.Sprintf("%s runs already, under process %d since %s",
		e.Name, e.Supervisor.PID, e.Supervisor.Started.Format(time.DateTime))
	if e.MovedFrom != "" {
		said += fmt.Sprintf(", and was moved here from %s meanwhile: `kill %d` ends its members in order, and then they start from here",
			e.MovedFrom, e.Supervisor.PID)
	}
	return said
}

func (h Home) path(name string) string { return filepath.Join(h.Dir, name) }

// The files of a home.
const (
	stackFile = "stack.json"
	stateFile = "state.json"
	logFolder = "log"
)

// Stack is what was run here last.
func (h Home) Stack() (Stack, error) {
	var s Stack
	err := h.read(stackFile, &s)
	return s.at(h.dir()), err
}

// State is how the stack is now; ErrNoStack if none was run here.
func (h Home) State() (State, error) {
	var s State
	if err := h.read(stateFile, &s); err != nil {
		return State{}, err
	}
	if h.ofAnother(s) {
		return State{}, fmt.Errorf("%s is a copy of %s: %w", h.Dir, s.Home, ErrNoStack)
	}
	if !reachable(s.Socket) {
		return s.lost(), nil
	}
	s.Running = true
	return s, nil
}

// Moved is a RunningError where the home was moved while its supervisor runs, which takes
// no orders since; nil else.
func (h Home) Moved() *RunningError {
	s, err := h.State()
	if err != nil || s.Running || !s.Supervisor.Alive() {
		return nil
	}
	if from := h.movedFrom(s); from != "" {
		return &RunningError{Name: s.Name, Supervisor: s.Supervisor, MovedFrom: from}
	}
	return nil
}

// Remove forgets the stack, which must not be running, and deletes its logs;
// with data, everything that is in the home.
func (h Home) Remove(ctx context.Context, data bool) error {
	release, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if data {
		return os.RemoveAll(h.Dir)
	}
	return errors.Join(os.RemoveAll(h.path(logFolder)), remove(h.path(stateFile)))
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// patience is how long a lock is waited for: one that is held by a supervisor
// is held for much longer.
const patience = 500 * time.Millisecond

// lock makes the caller the only one who changes the home. It is a RunningError
// when a supervisor does.
func (h Home) lock(ctx context.Context) (release func(), err error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unlock, err := lockfile.Acquire(limited, h.Dir)
	if err == nil {
		return func() { _ = unlock() }, nil // the end of the process releases it too
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	running := &RunningError{Name: filepath.Base(h.Dir)}
	if s, err := h.State(); err == nil {
		running.Name, running.Supervisor, running.MovedFrom = s.Name, s.Supervisor, h.movedFrom(s)
	}
	return nil, running
}

func (h Home) read(name string, into any) error {
	data, err := os.ReadFile(h.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", h.Dir, ErrNoStack)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is damaged: %w", h.path(name), err)
	}
	return nil
}

// write replaces a file as a whole. It may hold secrets: settings carry
// passwords.
func (h Home) write(name string, from any) error {
	data, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	err = outfile.Note(h.path(name), append(data, '\n'), 0o600)
	if err == nil {
		err = h.handOver(h.path(name))
	}
	if err != nil {
		return fmt.Errorf("cannot write down how the stack is: %w", err)
	}
	return nil
}
