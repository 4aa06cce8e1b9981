//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Tests look at a stack from other places than this machine's own network: from
// a container's, and from a network namespace that stands for another machine.
// That takes root and iproute2.

// place is a network namespace, as a file.
type place string

// in does something from there. What it opens stays there.
func (p place) in(do func() error) error {
	done := make(chan error)
	go func() {
		// A thread that has been elsewhere is not used for anything else: it
		// ends with the goroutine that is locked to it.
		runtime.LockOSThread()
		done <- func() error {
			file, err := os.Open(string(p))
			if err != nil {
				return err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter %s, which takes root: %w", p, err)
			}
			return do()
		}()
	}()
	return <-done
}

// connectTimeout is enough for a SYN to be answered on one machine.
const connectTimeout = 2 * time.Second

// dial is an error when nobody answers at an address.
func (p place) dial(address string) error {
	return p.in(func() error { return dialOnce(address) })
}

func dialOnce(address string) error {
	conn, err := net.DialTimeout("tcp", address, connectTimeout)
	if err != nil {
		return err
	}
	return conn.Close()
}

// outside is another machine: a namespace whose only link is a cable to this
// one.
type outside struct {
	place
	ip       string // its own address
	hostIP   string // this machine's, on the cable
	accepted atomic.Int32
	port     int // where it counts who connects
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	id := make([]byte, 3)
	rand.Read(id)
	name, here, there := uniqueName(namePrefix), "e2h"+hex.EncodeToString(id), "e2n"+hex.EncodeToString(id)
	// 198.18.0.0/15 is for tests between networks (RFC 2544).
	subnet := fmt.Sprintf("198.%d.%d.%d", 18+id[0]%2, id[1], id[2]&^3)
	o := &outside{
		place:  place(filepath.Join("/run/netns", name)),
		hostIP: nextAddress(subnet, 1), ip: nextAddress(subnet, 2),
	}
	t.Cleanup(func() {
		if _, err := output(exec.Command("ip", "netns", "delete", name), ""); err != nil { // the cable goes with it
			t.Error(err)
		}
	})
	for _, words := range []string{
		"netns add " + name,
		"link add " + here + " type veth peer name " + there + " netns " + name,
		"address add " + o.hostIP + "/30 dev " + here,
		"link set " + here + " up",
		"-n " + name + " address add " + o.ip + "/30 dev " + there,
		"-n " + name + " link set " + there + " up",
	} {
		run(t, "", "ip", strings.Fields(words)...)
	}
	o.listen(t)
	return o
}

func nextAddress(ip string, n byte) string {
	a := net.ParseIP(ip).To4()
	a[3] += n
	return a.String()
}

// listen counts connections from now on.
func (o *outside) listen(t *testing.T) {
	t.Helper()
	var l net.Listener
	err := o.in(func() (err error) {
		l, err = net.Listen("tcp4", net.JoinHostPort(o.ip, "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	o.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				o.accepted.Add(1)
				conn.Close()
			}
		}
	}()
}

// route sends what the outside machine has for a subnet through this one, as
// somebody on the same wire can.
func (o *outside) route(t *testing.T, subnet string) {
	t.Helper()
	run(t, "", "ip", "-n", filepath.Base(string(o.place)), "route", "add", subnet, "via", o.hostIP)
}
