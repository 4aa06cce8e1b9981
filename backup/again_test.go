package backup_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// clumsy is a network that cuts connections once so many bytes have come, for as often
// as it is told to.
type clumsy struct {
	after int64
	times atomic.Int64

	mu   sync.Mutex
	cut  []string // the addresses
	last string   // the one that gave much last
}

func (c *clumsy) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &frail{Conn: conn, net: c, address: address}, nil
}

type frail struct {
	net.Conn
	net     *clumsy
	address string
	read    int64
}

func (f *frail) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.read += int64(n); f.read <= f.net.after {
		return n, err
	}
	f.net.mu.Lock()
	defer f.net.mu.Unlock()
	f.net.last = f.address
	if f.net.times.Add(-1) >= 0 {
		f.net.cut = append(f.net.cut, f.address)
		return 0, errors.Join(net.ErrClosed, f.Close())
	}
	return n, err
}

// through is a client whose connections are cut so often, each in the middle of a
// snapshot.
func (c *running) through(t *testing.T, times int64) (*member.Client, *clumsy) {
	t.Helper()
	network := &clumsy{after: 2 << 20}
	network.times.Store(times)
	client, err := member.New(member.Config{URLs: c.clients, Dial: network.dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, network
}

// begun remembers whose data broke off, and whose was taken then.
type begun struct{ broken, next []string }

func (b *begun) watch(r backup.Request) backup.Request {
	r.Again = func(e *backup.BrokenOffError, from string) {
		b.broken, b.next = append(b.broken, e.From), append(b.next, from)
	}
	return r
}

// A snapshot can't be gone on with: where the connection breaks in the middle, another
// member gives its own.
func TestABackupThatBreaksOffIsTakenOfAnotherMember(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1", "etcd2", "etcd3"})
	revision := write(t, c.raw(t), 400, 20_000)
	client, network := c.through(t, 2)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.tar.zst")
	var b begun
	made, err := backup.Take(t.Context(), client, path, b.watch(request()))
	if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "x.tar.zst")
	if len(network.cut) != 2 || len(b.broken) != 2 || b.broken[0] == b.broken[1] || b.next[0] != b.broken[1] || b.next[1] != made.From || made.From == b.broken[0] {
		t.Errorf("connections to %v were cut, of %v it went on to %v, and took the data of %s", network.cut, b.broken, b.next, made.From)
	}
	if report, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{}); err != nil || report.Metadata.Revision < revision {
		t.Errorf("verified: %+v, %v", report, err)
	}
}

// The one member that there is, or that is asked for, is asked again.
func TestABackupOfOneMemberIsBegunAgain(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 400, 20_000)
	for name, asked := range map[string]string{"the only one": "", "the one that is asked for": "etcd1"} {
		client, _ := c.through(t, 1)
		store := storeAt(t, t.TempDir())
		r := request()
		r.Member = asked
		var b begun
		place, made, err := backup.TakeInto(t.Context(), client, store, b.watch(r))
		if err != nil || len(b.broken) != 1 || b.next[0] != "etcd1" || made.From != "etcd1" {
			t.Errorf("%s: %+v, %+v, %v", name, made, b, err)
			continue
		}
		if _, err := backup.Verify(t.Context(), place, t.TempDir(), backup.Secret{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What breaks off each time leaves nothing, and is not tried for ever.
func TestABackupThatAlwaysBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1", "etcd2", "etcd3"})
	write(t, c.raw(t), 400, 20_000)
	client, network := c.through(t, 1000)
	dir := t.TempDir()
	var b begun
	_, err := backup.Take(t.Context(), client, filepath.Join(dir, "x.tar.zst"), b.watch(request()))
	var broken *backup.BrokenOffError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "cannot take a snapshot of "+broken.From) {
		t.Errorf("it fails with %v", err)
	}
	if len(network.cut) != len(b.broken)+1 || len(b.broken) != 4 {
		t.Errorf("connections to %v were cut, and it began again after %v", network.cut, b.broken)
	}
	wantOnly(t, dir)
}

// A member that is killed in the middle is one whose data breaks off.
func TestABackupOutlivesTheMemberThatGivesIt(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1", "etcd2", "etcd3"})
	write(t, c.raw(t), 2000, 20_000) // more than fits between the two
	client, network := c.through(t, 0)
	var b begun
	r := b.watch(request())
	var killed string
	r.Progress = func(done, _ int64) {
		if killed == "" && done > network.after {
			killed = c.nameOf(network.giver())
			c.members[killed].Kill()
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x.tar.zst")
	made, err := backup.Take(t.Context(), client, path, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.broken) != 1 || b.broken[0] != killed || made.From == killed {
		t.Errorf("%s was killed, it broke off %v, and took the data of %s", killed, b.broken, made.From)
	}
	wantOnly(t, dir, "x.tar.zst")
	if _, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{}); err != nil {
		t.Error(err)
	}
}

func (c *clumsy) giver() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *running) nameOf(address string) string {
	for name, url := range c.clients {
		if strings.HasSuffix(url, address) {
			return name
		}
	}
	return ""
}
