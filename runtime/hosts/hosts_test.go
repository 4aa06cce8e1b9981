package hosts_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// network is what the machines are on: whoever listens there accepts, and says
// nothing.
type network struct {
	mu        sync.Mutex
	listening map[string]bool
}

func (n *network) set(address string, listening bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listening[address] = listening
}

func (n *network) dial(_ context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.listening[address] {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	here, there := net.Pipe()
	there.Close()
	return here, nil
}

// site is a cluster of three machines, and whoever does there what is said.
type site struct {
	t *testing.T
	*network
	runtime  *hosts.Runtime
	spec     cluster.Spec
	said     chan runtime.Event
	patience time.Duration
	packed   string // beside what a member is started by
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, network: &network{listening: map[string]bool{}}, said: make(chan runtime.Event, 100)}
	s.spec = cluster.Spec{Name: "site", TLS: "none"}
	for i := range 3 {
		s.spec.Members.List = append(s.spec.Members.List, cluster.MemberSpec{
			Name: fmt.Sprintf("etcd%d", i+1), Host: fmt.Sprintf("192.0.2.%d", i+1),
		})
	}
	s.anew(t.TempDir())
	return s
}

// anew makes a Runtime of what is described now.
func (s *site) anew(output string) {
	s.runtime = hosts.New(hosts.Options{
		Spec: s.spec, Folder: "/where/it/is/described", Output: output, Dial: s.dial,
		TLS: func(cluster.TLSMode) (*tls.Config, error) { return nil, nil },
		Pack: func(_ context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			return []byte(fmt.Sprint(c.Only(member).Members[0].Settings, s.packed)), nil
		},
		Runs: func(_ context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			return []byte(fmt.Sprint(c.Only(member).Members[0].Settings)), nil
		},
		Events: func(e runtime.Event) { s.said <- e }, Patience: s.patience,
	})
}

func (s *site) want() *cluster.Cluster {
	s.t.Helper()
	c, err := s.runtime.Place(s.t.Context(), s.spec)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// heard gives the next thing that is said to do.
func (s *site) heard() runtime.Event {
	s.t.Helper()
	for {
		select {
		case e := <-s.said:
			if !e.Done {
				return e
			}
		case <-time.After(time.Minute):
			s.t.Fatal("nothing is said")
		}
	}
}

func (s *site) observe() *runtime.State {
	s.t.Helper()
	have, err := s.runtime.Observe(s.t.Context(), "site")
	if err != nil {
		s.t.Fatal(err)
	}
	return have
}

// apply has all members started by whoever is there.
func (s *site) apply() {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.runtime.Apply(s.t.Context(), s.want()) }()
	for i := range 3 {
		e, host := s.heard(), fmt.Sprintf("192.0.2.%d", i+1)
		if e.Action != hosts.RunThere || !strings.Contains(e.Detail, "to "+host+", and there: tar -xzf site-etcd") {
			s.t.Errorf("%s is told %q %q", e.Server, e.Action, e.Detail)
		}
		if _, err := os.Stat(s.runtime.Archive("site", e.Server)); err != nil {
			s.t.Error(err)
		}
		s.set(host+":2379", true)
	}
	if err := <-done; err != nil {
		s.t.Fatal(err)
	}
}

func TestNobodyIsThereBeforeAnybodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		if have, err := s.runtime.Observe(t.Context(), "site"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("got %+v, %v", have, err)
		}
		changes, err := s.runtime.Changes(t.Context(), s.want(), nil)
		if err != nil || len(changes) != 3 || changes[0].Kind != runtime.Missing {
			t.Errorf("got %+v, %v", changes, err)
		}
	})
}

func TestWhatIsSaidIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.apply()
		for _, m := range s.observe().Servers {
			if m.Status != runtime.Running || m.Host == "" || m.ClientURL() == "" {
				t.Errorf("got %+v", m)
			}
		}
		done := make(chan error, 1)
		go func() { done <- s.runtime.Stop(t.Context(), "site", 400*time.Millisecond, "etcd2") }()
		if e, want := s.heard(), "on 192.0.2.2: cd site-etcd2 && docker compose stop --timeout 1   # with systemd instead: systemctl stop site-etcd2"; e.Server != "etcd2" || e.Detail != want {
			t.Errorf("said was %+v, want %q", e, want)
		}
		s.set("192.0.2.2:2379", false)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if m, _ := s.observe().Server("etcd2"); m.Status != runtime.Stopped {
			t.Errorf("etcd2 is %s", m.Status)
		}
		if err := s.runtime.Remove(t.Context(), "site", runtime.Removal{Servers: []string{"etcd2"}}); err != nil {
			t.Fatal(err)
		}
		if e, want := s.heard(), "on 192.0.2.2: cd site-etcd2 && docker compose down   # with systemd instead: systemctl disable --now site-etcd2"; e.Detail != want {
			t.Errorf("said was %+v, want %q", e, want)
		}
		if m, there := s.observe().Server("etcd2"); there {
			t.Errorf("etcd2 is %+v", m)
		}
	})
}

func TestAWaitThatNobodyEndsHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, output := newSite(t), t.TempDir()
		s.anew(output)
		s.apply()
		s.patience = time.Millisecond
		s.anew(output)
		err := s.runtime.Stop(t.Context(), "site", 0, "etcd1", "etcd2")
		left := (*hosts.LeftError)(nil)
		if !errors.As(err, &left) || !slices.Equal(left.Servers, []string{"etcd1", "etcd2"}) {
			t.Fatalf("got %v", err)
		}
		if want := "on 192.0.2.2: cd site-etcd2 && docker compose stop   # with systemd instead: systemctl stop site-etcd2"; left.Commands[1] != want {
			t.Errorf("what is left is %q, want %q", left.Commands[1], want)
		}
	})
}

func TestAChangeIsOneOfWhatWasHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		output := t.TempDir()
		s.anew(output)
		s.apply()
		if changes, err := s.runtime.Changes(t.Context(), s.want(), s.observe()); err != nil || len(changes) > 0 {
			t.Errorf("of what was handed over, %+v differs: %v", changes, err)
		}
		s.spec.Members.List = append(s.spec.Members.List, cluster.MemberSpec{Name: "etcd4", Host: "192.0.2.4"})
		s.anew(output)
		changes, err := s.runtime.Changes(t.Context(), s.want(), s.observe())
		if diff := cmp.Diff([]runtime.Change{{Server: "etcd4", Kind: runtime.Missing}}, changes); err != nil || diff != "" {
			t.Errorf("when one joins (-want +got): %v\n%s", err, diff)
		}
		s.spec.Members.List = s.spec.Members.List[:2]
		s.spec.SnapshotCount = "5000"
		s.anew(output)
		changes, err = s.runtime.Changes(t.Context(), s.want(), s.observe())
		if err != nil || len(changes) != 3 || changes[0].Kind != runtime.Replace || changes[2].Kind != runtime.Leave {
			t.Fatalf("got %+v, %v", changes, err)
		}
		if d := changes[0].Differences; len(d) != 1 || d[0].Name != "snapshot-count" || d[0].Is != "5000" {
			t.Errorf("got %+v", d)
		}
	})
}

// Who has packed the archives of machines has started what answers there, and who only
// describes the same machines has not.
func TestAClusterIsOfTheFolderThatHasItsArchives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		output := t.TempDir()
		s.anew(output)
		s.set("192.0.2.1:2379", true)
		if folder := s.observe().Folder; folder != "" {
			t.Errorf("before it was packed it is of %q", folder)
		}
		if err := os.WriteFile(s.runtime.Archive("site", "etcd2"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if folder := s.observe().Folder; folder != "/where/it/is/described" {
			t.Errorf("it is of %q", folder)
		}
	})
}

func TestDataIsPutAwayByWhoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.apply()
		s.set("192.0.2.3:2379", false)
		if data, err := s.runtime.Data(t.Context(), "site", "etcd3"); err != nil || data != runtime.Kept {
			t.Errorf("its data is %q: %v", data, err)
		}
		if _, err := s.runtime.SetAside(t.Context(), "site", "etcd3"); err != nil {
			t.Fatal(err)
		}
		const kept = "docker compose cp etcd3:/var/lib/etcd $kept/data-dir && docker compose down --volumes && rm -f served"
		if e := s.heard(); !strings.Contains(e.Detail, "on 192.0.2.3: cd site-etcd3 && docker compose stop && ") || !strings.HasSuffix(e.Detail, kept) {
			t.Errorf("said was %+v", e)
		}
		if m, _ := s.observe().Server("etcd3"); m.Data != runtime.None {
			t.Errorf("its data is %q", m.Data)
		}
	})
}

func TestLogsAreShownByACommandOnEachMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.apply()
		err := s.runtime.Logs(t.Context(), "site", runtime.LogOptions{Servers: []string{"etcd1", "etcd3"}, Tail: 20, Follow: true}, nil)
		want := `the logs of site: only their machines have that
on 192.0.2.1: cd site-etcd1 && docker compose logs --follow --tail 20
on 192.0.2.3: cd site-etcd3 && docker compose logs --follow --tail 20`
		if !errors.Is(err, runtime.ErrElsewhere) || err.Error() != want {
			t.Errorf("got %v, want\n%s", err, want)
		}
		if err := s.runtime.Logs(t.Context(), "site", runtime.LogOptions{Tail: -1}, nil); !strings.HasSuffix(err.Error(), "cd site-etcd3 && docker compose logs") {
			t.Errorf("of all, the error is %v", err)
		}
	})
}
