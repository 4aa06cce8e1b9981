package process

import (
	"os"
	"time"

	"github.com/etcdctr/etcdctr/internal/processid"
)

// ID tells a process from every other, also from one that has got its number
// after it, or after the machine was started again.
type ID = processid.ID

// kill ends a process that is not this one's child, with what it has started,
// and waits for that, as long as a system under load may take.
func kill(id ID) {
	p, err := os.FindProcess(id.PID)
	if err != nil {
		return
	}
	_ = p.Kill()
	sweep(p)
	for deadline := time.Now().Add(5 * time.Second); id.Alive() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}
