package target

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

func TestAnImageThatSeveralMachinesPackIsToldOnce(t *testing.T) {
	var said strings.Builder
	world := &World{Console: &terminal.Console{Voice: terminal.Voice{Out: &said}}}
	show := world.show(nil, false)
	for range 3 {
		show(runtime.Event{Server: "etcd:v3.7.3", Action: docker.Packed, Detail: "no route", Done: true})
	}
	if n := strings.Count(said.String(), "etcd:v3.7.3 could not be pulled"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, said.String())
	}
}
