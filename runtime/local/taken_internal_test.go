package local

import (
	"net"
	"os"
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
