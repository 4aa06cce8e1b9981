package process

import (
	"os/exec"
	"runtime"
)

// starter starts processes, one after the other, on one thread of the system
// that lives as long as the starter: Linux ends the children of a thread with
// that thread (PR_SET_PDEATHSIG in prctl(2)), not with its process, and a
// goroutine's thread can end at any time.
type starter struct{ requests chan func() }

func newStarter() *starter {
	s := &starter{requests: make(chan func())}
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		for request := range s.requests {
			request()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.requests <- func() { result <- cmd.Start() }
	return <-result
}

// close ends the thread. All that it has started must have ended.
func (s *starter) close() { close(s.requests) }
