package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// This file is how other commands reach a supervisor: HTTP over a socket that
// only the owner of the home can open.

// socketFile is the socket's name in the home.
const socketFile = "control.sock"

// longestSocket is how long a socket's path may be everywhere: macOS has room
// for 104 bytes with a closing zero, Linux for 108.
const longestSocket = 103

// socket is the path of the supervisor's socket. Where the home's path is too
// long for one, it is in a folder of its own for temporary files.
func (h Home) socket() string {
	if path := h.path(socketFile); len(path) <= longestSocket {
		return path
	}
	dir, err := os.MkdirTemp("", "etcdctr")
	if err != nil {
		return h.path(socketFile) // listening on it will say what is wrong
	}
	return filepath.Join(dir, socketFile)
}

// reachable tells whether anybody listens on a socket. One that its supervisor
// has left behind is a file that nobody listens on.
func reachable(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// control lets the supervisor take orders. Close ends that.
func (s *supervisor) control() (io.Closer, error) {
	if err := remove(s.state.Socket); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", s.state.Socket)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for orders: %w", err)
	}
	orders := http.NewServeMux()
	orders.HandleFunc("POST /start", s.each(func(k *keeper) error { return k.begin() }))
	orders.HandleFunc("POST /stop", s.each(func(k *keeper) error { k.end(); return nil }))
	orders.HandleFunc("POST /shutdown", s.handleShutdown)
	server := &http.Server{Handler: orders, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }() // ends when closed
	return closer(func() error {
		limited, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := server.Shutdown(limited) // after the last answer
		if dir := filepath.Dir(s.state.Socket); dir != s.home.Dir {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		return err
	}), nil
}

type closer func() error

func (c closer) Close() error { return c() }

// each carries out an order on the members that it names, in that order.
func (s *supervisor) each(do func(*keeper) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, name := range r.URL.Query()["member"] {
			k, ok := s.keepers[name]
			if !ok {
				http.Error(w, fmt.Sprintf("%s is not a member", name), http.StatusNotFound)
				return
			}
			if err := do(k); err != nil {
				http.Error(w, fmt.Sprintf("%s: %v", name, err), http.StatusInternalServerError)
				return
			}
		}
	}
}

func (s *supervisor) handleShutdown(_ http.ResponseWriter, r *http.Request) {
	select {
	case s.shutdown <- r.URL.Query().Has("now"):
	case <-s.over:
	}
	<-s.over
}

// Start starts stopped members of a running stack, in that order. A member that
// runs already is left alone.
func (h Home) Start(ctx context.Context, members ...string) error {
	return h.order(ctx, "start", url.Values{"member": members})
}

// Stop stops members of a running stack, one after the other, and returns when
// they are stopped. They stay so until Start.
func (h Home) Stop(ctx context.Context, members ...string) error {
	return h.order(ctx, "stop", url.Values{"member": members})
}

// Shutdown stops the whole stack and its supervisor, and returns when both are
// gone. Without a supervisor it ends what one has left running. Data that is
// about to be deleted can be stopped now: without time for good manners.
func (h Home) Shutdown(ctx context.Context, now bool) error {
	s, err := h.State()
	if err != nil {
		return err
	}
	if !s.Running {
		return h.bury(ctx, s)
	}
	query := url.Values{}
	if now {
		query.Set("now", "")
	}
	if err := h.order(ctx, "shutdown", query); err != nil {
		return err
	}
	release, err := lockfile.Acquire(ctx, h.Dir) // held until the supervisor is gone
	if err != nil {
		return err
	}
	return release()
}

// bury puts in order what a killed supervisor has left behind.
func (h Home) bury(ctx context.Context, last State) error {
	release, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	stack, err := h.Stack()
	if err != nil {
		return err
	}
	s := newSupervisor(h, stack, Options{})
	s.recover(last)
	s.state.Supervisor = ID{}
	return errors.Join(s.discard(), h.write(stateFile, s.state))
}

// order has the supervisor do something and waits until it is done.
func (h Home) order(ctx context.Context, what string, query url.Values) error {
	s, err := h.State()
	if err != nil {
		return err
	}
	if !s.Running {
		return fmt.Errorf("%s is not running", s.Name)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.Socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://supervisor/"+what+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("cannot reach the supervisor of %s: %w", s.Name, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return err
}
