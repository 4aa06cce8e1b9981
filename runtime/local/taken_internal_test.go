package local

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/internal/processid"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestAStoppedMemberSaysThatItsPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := process.Member{Name: "etcd1", Args: []string{"etcd"}, Addresses: map[string]string{l.Addr().String(): "client port"}}
	stopped := &process.MemberState{Name: "etcd1", Status: process.Stopped}
	if s := server(m, runtime.Member, stopped); !strings.Contains(s.Error, "listen tcp "+l.Addr().String()) {
		t.Errorf("it says %q", s.Error)
	}
	orphan := &process.MemberState{Name: "etcd1", Status: process.Orphaned, Process: processid.Of(os.Getpid())}
	if s := server(m, runtime.Member, orphan); s.Error != "" {
		t.Errorf("its own port is taken: %q", s.Error)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s := server(m, runtime.Member, stopped); s.Error != "" {
		t.Errorf("nobody listens, and it says %q", s.Error)
	}
}

// Whoever gives a member that is there a port of somebody else's is told before it is stopped.
func TestAPortThatIsTakenIsFoundBeforeAMemberIsStopped(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := func(address string) process.Stack {
		return process.Stack{Name: "p", Members: []process.Member{{Name: "etcd1", Addresses: map[string]string{address: "client port"}}}}
	}
	home := process.Home{Dir: t.TempDir()}
	if err := checkPorts(home, at(l.Addr().String()), nil); err != nil {
		t.Errorf("nobody is there yet: %v", err)
	}
	there, err := json.Marshal(at("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.Dir, "stack.json"), there, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := (*runtime.PortError)(nil)
	if err := checkPorts(home, at(l.Addr().String()), []string{"etcd1"}); !errors.As(err, &taken) || taken.Server != "etcd1" || taken.Address != l.Addr().String() {
		t.Errorf("it says %v", err)
	}
	if err := checkPorts(home, at("127.0.0.1:1"), nil); err != nil {
		t.Errorf("its own is refused: %v", err)
	}
}
