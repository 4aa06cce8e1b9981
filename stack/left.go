package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/internal/processid"
)

// This file removes helpers that nobody needs any more: a program that is killed
// leaves the one that it was looking through, and with it a hold on a volume that
// the engine then does not let go of.

// maker is the process that a helper is of use to.
type maker struct {
	host    string
	process processid.ID
}

// thisProcess is the one that this code runs in.
var thisProcess = sync.OnceValue(func() maker {
	host, _ := os.Hostname() // without one it is nobody's, and goes by its age
	return maker{host, processid.Of(os.Getpid())}
})

// String is the form of a label.
func (m maker) String() string {
	return fmt.Sprintf("%s %d %d", m.host, m.process.PID, m.process.Started.UnixMilli())
}

func readMaker(label string) (maker, bool) {
	const parts = 3
	words := strings.Fields(label)
	if len(words) != parts {
		return maker{}, false
	}
	pid, errPID := strconv.Atoi(words[1])
	ms, errStarted := strconv.ParseInt(words[2], 10, 64)
	return maker{words[0], processid.ID{PID: pid, Started: time.UnixMilli(ms)}}, errPID == nil && errStarted == nil
}

// mostUse is how long a helper may be of use to somebody on another machine, of whom
// nothing is known here.
const mostUse = 24 * time.Hour

// left tells whether whoever made a helper is gone.
func (c Container) left(now time.Time) bool {
	if c.Labels[RoleLabel] != HelperRole {
		return false
	}
	by, ok := readMaker(c.Labels[makerLabel])
	if !ok || by.host != thisProcess().host {
		return now.Sub(c.Created) > mostUse
	}
	return !by.process.Alive()
}

// DropLeft removes the helpers in a state whose makers were killed, from the engine
// and from the state.
func (s *State) DropLeft(ctx context.Context, e Engine, now time.Time) error {
	var errs []error
	s.Containers = slices.DeleteFunc(s.Containers, func(c Container) bool {
		if !c.left(now) {
			return false
		}
		err := removeContainer(ctx, e, c.ID)
		if err != nil {
			err = fmt.Errorf("remove %s, which a command that was killed has left: %w", c.Name, err)
		}
		errs = append(errs, err)
		return err == nil
	})
	return errors.Join(errs...)
}
