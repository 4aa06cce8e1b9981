package process

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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

// socketFolder is how the name of a socket's own folder begins.
const socketFolder = "etcdctr"

// socket is the path of the supervisor's socket. Where the home's path is too
// long for one, it is in a folder of its own for temporary files, which is made here.
func (h Home) socket() string {
	if path := h.path(socketFile); len(path) <= longestSocket {
		return path
	}
	dir, err := os.MkdirTemp("", socketFolder)
	if err != nil {
		return h.path(socketFile) // listening on it will say what is wrong
	}
	return filepath.Join(dir, socketFile)
}

// leave deletes a socket's own folder: at the end, or once its supervisor was killed. A
// folder that anybody has put something else into stays.
func (h Home) leave(socket string) error {
	dir := filepath.Dir(socket)
	if dir == h.Dir || filepath.Base(socket) != socketFile || !strings.HasPrefix(filepath.Base(dir), socketFolder) {
		return nil
	}
	return errors.Join(remove(socket), remove(dir))
}

// reachable tells whether a supervisor is at its socket. One that was killed
// leaves a file that nobody listens on, and for a moment takes connections that
// it hangs up on; one that takes its time is there.
func reachable(socket string) bool {
	client := clientOf(socket)
	client.Timeout = time.Second
	response, err := client.Get("http://supervisor/")
	if err == nil {
		response.Body.Close()
	}
	return err == nil || os.IsTimeout(err)
}

// clientOf asks the supervisor at a socket.
func clientOf(socket string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// control lets the supervisor take orders. Close ends that.
func (s *supervisor) control() (io.Closer, error) {
	s.state.Socket = s.home.socket()
	if err := remove(s.state.Socket); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", s.state.Socket)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen for orders: %w", err), s.home.leave(s.state.Socket))
	}
	orders := http.NewServeMux()
	orders.HandleFunc("POST /start", s.handleStart)
	orders.HandleFunc("POST /stop", s.handleStop)
	orders.HandleFunc("POST /change", s.handleChange)
	orders.HandleFunc("POST /remove", s.handleRemove)
	orders.HandleFunc("POST /shutdown", s.handleShutdown)
	orders.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: orders, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }() // ends when closed
	return closer(func() error {
		limited, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return errors.Join(server.Shutdown(limited), s.home.leave(s.state.Socket)) // after the last answer
	}), nil
}

type closer func() error

func (c closer) Close() error { return c() }

// ErrStopping is the error of an order to a stack that is being stopped: AwaitEnd returns
// once it is.
var ErrStopping = errors.New("the stack is being stopped")

// refuse tells what keeps an order from being carried out.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, ErrStopping) {
		status = http.StatusGone
	}
	http.Error(w, err.Error(), status)
}

// ordered are the members that an order names.
func ordered(r *http.Request) []string { return r.URL.Query()["member"] }

// each carries out an order on the members that it names, in that order.
func (s *supervisor) each(w http.ResponseWriter, r *http.Request, do func(*keeper) error) {
	for _, name := range ordered(r) {
		k, ok := s.keeper(name)
		if !ok {
			http.Error(w, fmt.Sprintf("%s is not a member", name), http.StatusNotFound)
			return
		}
		if err := do(k); err != nil {
			refuse(w, fmt.Errorf("%s: %w", name, err))
			return
		}
	}
}

func (s *supervisor) handleStart(w http.ResponseWriter, r *http.Request) {
	if err := s.describe(func(stack Stack) (Stack, error) { return stack.awake(ordered(r)), nil }); err != nil {
		refuse(w, err)
		return
	}
	s.each(w, r, (*keeper).begin)
}

// handleStop notes first who is to stay stopped: a supervisor that is killed now
// is followed by one that knows.
func (s *supervisor) handleStop(w http.ResponseWriter, r *http.Request) {
	within, err := time.ParseDuration(cmp.Or(r.URL.Query().Get("within"), "0s"))
	if err == nil {
		err = s.describe(func(stack Stack) (Stack, error) { return stack.resting(ordered(r)), nil })
	}
	if err != nil {
		refuse(w, err)
		return
	}
	s.each(w, r, func(k *keeper) error { k.end(within); return nil })
}

// handleChange takes over another description of the stack. Members that are
// named are restarted as they are described there, or started if they are new;
// the others stay as they are.
func (s *supervisor) handleChange(w http.ResponseWriter, r *http.Request) {
	var wanted Stack
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	wanted = wanted.at(s.home.dir()) // whoever orders it may have come by another path
	err := s.describe(func(stack Stack) (Stack, error) { return adopt(stack, wanted, ordered(r)) })
	if err == nil {
		err = s.engage(r.Context(), ordered(r))
	}
	if err != nil {
		refuse(w, err)
		return
	}
	s.each(w, r, func(k *keeper) error { return k.replace(wanted) })
}

// handleRemove stops members and forgets them; what they keep stays.
func (s *supervisor) handleRemove(w http.ResponseWriter, r *http.Request) {
	for _, name := range ordered(r) { // one that is gone already is what was asked for
		if k, ok := s.keeper(name); ok {
			k.retire()
		}
	}
	if err := s.describe(func(stack Stack) (Stack, error) { return stack.without(ordered(r)), nil }); err != nil {
		refuse(w, err)
		return
	}
	s.dismiss(ordered(r))
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
	return h.order(ctx, "start", url.Values{"member": members}, nil)
}

// Stop stops members of a running stack, one after the other, and returns when
// they are stopped. They stay so until Start or Change. A member that has not
// ended within the given time is killed; with 0 it has the stack's StopGrace.
func (h Home) Stop(ctx context.Context, within time.Duration, members ...string) error {
	return h.order(ctx, "stop", url.Values{"member": members, "within": {within.String()}}, nil)
}

// Change has a running stack run another description: it restarts the members
// and services that are named, one after the other, adds those of them that are
// new, and leaves the others as they run.
func (h Home) Change(ctx context.Context, stack Stack, members ...string) error {
	return h.order(ctx, "change", url.Values{"member": members}, stack)
}

// Dismiss stops members and services and takes them out of the stack, running or
// not. What they keep stays.
func (h Home) Dismiss(ctx context.Context, members ...string) error {
	s, err := h.State()
	if err == nil && s.Running {
		if err := h.order(ctx, "remove", url.Values{"member": members}, nil); !errors.Is(err, ErrStopping) {
			return err
		}
		err = h.AwaitEnd(ctx)
	}
	if err != nil && !errors.Is(err, ErrNoStack) {
		return err
	}
	return h.Describe(ctx, func(stack Stack) Stack { return stack.without(members) })
}

// Describe changes the description of a stack that does not run.
func (h Home) Describe(ctx context.Context, change func(Stack) Stack) error {
	release, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	stack, err := h.Stack()
	if err != nil {
		return err
	}
	return h.write(stackFile, change(stack))
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
	if err := h.order(ctx, "shutdown", query, nil); err != nil {
		return err
	}
	return h.AwaitEnd(ctx)
}

// AwaitEnd returns when no supervisor is there, or none any more.
func (h Home) AwaitEnd(ctx context.Context) error {
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
	for _, was := range last.all() {
		for _, is := range s.state.all() {
			if is.Name == was.Name && was.Status == Stopped {
				*is = *was // since when, and by whom
			}
		}
	}
	return errors.Join(s.discard(), h.write(stateFile, s.state))
}

// order has the supervisor do something and waits until it is done.
func (h Home) order(ctx context.Context, what string, query url.Values, with any) error {
	s, err := h.State()
	if err != nil {
		return err
	}
	if !s.Running {
		return fmt.Errorf("%s is not running", s.Name)
	}
	body, err := json.Marshal(with)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://supervisor/"+what+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := clientOf(s.Socket).Do(request)
	if err != nil {
		return fmt.Errorf("cannot reach the supervisor of %s: %w", s.Name, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
	case response.StatusCode == http.StatusGone:
		err = ErrStopping
	case response.StatusCode != http.StatusOK:
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return err
}
