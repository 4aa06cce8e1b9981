package processid_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/internal/processid"
)

func TestAProcessIsToldFromThoseThatWereAndThatComeAfterIt(t *testing.T) {
	self := processid.Of(os.Getpid())
	if !self.Alive() {
		t.Errorf("this process, %v, does not live", self)
	}
	before := self
	before.Started = before.Started.Add(-time.Hour)
	if before.Alive() {
		t.Error("one that had the number an hour ago lives")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := processid.Of(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if child.Alive() || (processid.ID{}).Alive() {
		t.Error("what has ended, or was nothing, lives")
	}
}
